"""What is compared on the public tables: one small MLP, one schedule, a method each."""

from __future__ import annotations

from collections.abc import Mapping

from tide_train.methods.cl_d import ClDConfig
from tide_train.methods.cl_r import ClRConfig
from tide_train.methods.dino import DinoConfig
from tide_train.methods.labels import LabelsConfig
from tide_train.methods.method import MethodConfig
from tide_train.methods.tide import TideConfig
from tide_train.overrides import changed
from tide_train.recipes.tables import SMALL_SSL, tide_features, tide_features_rna_teacher
from tide_train.run_config import RunConfig

_METHODS: Mapping[str, MethodConfig] = {
    "labels": LabelsConfig(),
    "cl_d": ClDConfig(),
    "dino": DinoConfig(**SMALL_SSL.model_dump()),
    "cl_r": ClRConfig(),
    "tide": TideConfig(beta=0.0, ssl=SMALL_SSL),
    "tide_rna_teacher": tide_features_rna_teacher().method,
}


def real_table_recipe(name: str) -> RunConfig:
    """Give a method's run on a real table; ``_permuted`` and ``_shuffled`` are controls."""
    method, control = name, ""
    for word in ("permuted", "shuffled"):
        if name.endswith(f"_{word}"):
            method, control = name.removesuffix(f"_{word}"), word
    return changed(
        tide_features(),
        {
            "name": f"real_{name}",
            "method": _METHODS[method].model_dump(mode="json", by_alias=True),
            "rna.control": control,
            "rna.scfm": "none",
            "batch_size": 64,
            "n_steps": 160,
            "encoder.width": 128,
            "drugs.n_bits": 1024,
            "drugs.hidden": 128,
            "data.n_validation": 1,
            "data.keeps_singles": True,
            "validation.n_times": 4,
            "checkpoint_every": 1_000_000,
            "log_every": 100,
        },
    )


def needs_rna(name: str) -> bool:
    """Tell whether a recipe here learns from transcriptomes."""
    return name.startswith(("cl_r", "tide"))
