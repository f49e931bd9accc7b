"""Everything that is compared: methods, hybrids, ablations and controls, one configuration each.

All share the encoder, the number of steps, the batch and the disturbance of features. What was
chosen, on which worlds, and what else was tried: docs/choices.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.worlds import Size
from tide_train.methods.cl_d import ClDConfig
from tide_train.methods.cl_r import ClRConfig
from tide_train.methods.dino import DinoConfig
from tide_train.methods.labels import LabelsConfig
from tide_train.methods.mae import MaeConfig
from tide_train.methods.method import MethodConfig
from tide_train.methods.tide import TideConfig
from tide_train.methods.tide_plus import TidePlusConfig
from tide_train.nets.tide_teacher import TeacherConfig
from tide_train.overrides import changed
from tide_train.recipes.tables import SMALL_SSL, tide_features
from tide_train.run_config import RunConfig

RAW = "raw"
"""The features as they are, or the intensity statistics of images: no encoder at all."""

UNTRAINED = "untrained"
"""The encoder as it is before its first step."""

_SSL = SMALL_SSL.model_copy(update={"n_outputs": 512, "head_hidden": 128})
_FAITHFUL = TideConfig(beta=0.0, distillation=0.3, teacher=TeacherConfig(tau=0.2), ssl=_SSL)
_RNA_TEACHER = TideConfig(
    beta=0.0,
    teacher=TeacherConfig(sees_image=False, rna_dropout=0.5, tau=0.2),
    ssl=_SSL,
)
METHODS: Mapping[str, MethodConfig] = {
    "mae": MaeConfig(decoder_width=128, decoder_depth=4, decoder_heads=4),
    "dino": DinoConfig(**_SSL.model_dump()),
    "labels": LabelsConfig(),
    "cl_d": ClDConfig(temperature=0.15),
    "cl_r": ClRConfig(),
    "cl_d_dino": ClDConfig(temperature=0.15, beta=0.2, ssl=_SSL),
    "cl_r_dino": ClRConfig(beta=0.2, ssl=_SSL),
    "cl_soft": ClRConfig(positives="soft"),
    "labels_cl_r": ClRConfig(label_weight=1.0),
    "tide": _FAITHFUL,
    "tide_ssl": _FAITHFUL.model_copy(update={"beta": 0.2}),
    "tide_rna_teacher": _RNA_TEACHER,
    "tide_plus": TidePlusConfig(n_axes=64),
}
CHANGES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    UNTRAINED: ("labels", {}),
    "tide_scfm": ("tide", {"rna.scfm": "small"}),
    "tide_perm": ("tide", {"rna.control": "permuted"}),
    "tide_shuf": ("tide", {"rna.control": "shuffled"}),
    "tide_without_dose": ("tide", {"method.teacher.sees_dose": False}),
    "tide_without_image": ("tide", {"method.teacher.sees_image": False}),
    "tide_lambda_0": ("tide", {"method.label_weight": 0.0}),
    "tide_lambda_03": ("tide", {"method.label_weight": 0.3}),
    "tide_codebook_none": ("tide", {"drugs.mode": "none"}),
    "tide_codebook_mlp": ("tide", {"drugs.mode": "mlp"}),
    "tide_codebook_fixed": ("tide", {"drugs.mode": "fixed"}),
    "tide_codebook_ecfp": ("tide", {"drugs.kind": "ecfp4"}),
    "tide_codebook_descriptors": ("tide", {"drugs.kind": "descriptors"}),
    "tide_rna_teacher_perm": ("tide_rna_teacher", {"rna.control": "permuted"}),
    "tide_plus_perm": ("tide_plus", {"rna.control": "permuted"}),
    "tide_plus_shuf": ("tide_plus", {"rna.control": "shuffled"}),
    "tide_plus_codebook_none": ("tide_plus", {"drugs.mode": "none"}),
    **{
        f"{method}_pairs_{n}": (method, {"rna.n_per_drug": n})
        for method in ("tide", "tide_plus")
        for n in (1, 3, 6)
    },
}
ARMS = (RAW, *METHODS, *CHANGES)

COMMON: Mapping[str, object] = {
    "rna.scfm": "none",
    "drugs.n_bits": 1024,
    "drugs.hidden": 128,
    "crops.n_local": 2,
    "tau": 0.15,
    "validation.n_times": 2,
    "checkpoint_every": 1_000_000,
    "log_every": 50,
}
_PIXELS: Mapping[str, object] = {
    "encoder.kind": "vit",
    # crops that rescale much change what is looked for
    "crops.global_scale": [0.75, 1.0],
    "crops.local_scale": [0.2, 0.5],
}
OF_SIZE: Mapping[Size, Mapping[str, object]] = {
    "mini": {
        "encoder.width": 128,
        "feature_noise.noise": 0.6,
        "feature_noise.dropout": 0.3,
        "n_steps": 400,
        "batch_size": 256,
        "data.n_validation": 4,
    },
    "paper": {
        **_PIXELS,
        "encoder.size": "mini",
        "encoder.width": 192,
        "encoder.depth": 6,
        "encoder.patch_px": 16,
        "crops.local_px": 64,
        "n_steps": 1000,
        "batch_size": 1024,
        "data.n_validation": 4,
        "validation.batch_size": 2048,
    },
    "tiny": {
        **_PIXELS,
        "encoder.size": "micro",
        "encoder.width": 48,
        "encoder.depth": 1,
        "encoder.patch_px": 16,
        "crops.local_px": 16,
        "n_steps": 4,
        "batch_size": 16,
        "data.n_validation": 1,
        "validation.n_times": 1,
    },
}


def arm_config(arm: str, *, seed: int, size: Size = "mini") -> RunConfig:
    """Give an arm's configuration.

    Raises
    ------
    TrainValueError
        There is no such arm.
    """
    if arm not in ARMS or arm == RAW:
        message = f"no arm {arm!r} that trains. Available: {list(ARMS[1:])}"
        raise TrainValueError(message)
    method, changes = CHANGES.get(arm, (arm, {}))
    config = changed(
        tide_features(),
        {
            "method": METHODS[method].model_dump(mode="json", by_alias=True),
            **COMMON,
            **OF_SIZE[size],
        },
    )
    return changed(config, {"name": arm, "seed": seed, **changes})


def needs_rna(arm: str) -> bool:
    """Tell whether an arm learns from transcriptomes."""
    method = CHANGES.get(arm, (arm, {}))[0]
    return method.startswith(("cl_r", "cl_soft", "labels_cl_r", "tide"))
