"""Training on images, at the size of the paper: ViT-S/16 on 224 px tiles, 400 epochs."""

from __future__ import annotations

from tide_train.data.drug_table import DrugFeatures
from tide_train.methods.cl_d import ClDConfig
from tide_train.methods.cl_r import ClRConfig
from tide_train.methods.dino import DinoConfig
from tide_train.methods.labels import LabelsConfig
from tide_train.methods.mae import MaeConfig
from tide_train.methods.method import MethodConfig
from tide_train.methods.self_distillation import SelfDistillationConfig
from tide_train.methods.tide import TideConfig
from tide_train.methods.tide_plus import TidePlusConfig
from tide_train.nets.tide_teacher import TeacherConfig
from tide_train.run_config import OptimiserSettings, RnaSettings, RunConfig

_PAPER_SSL = SelfDistillationConfig(n_outputs=65_536)


def tide() -> RunConfig:
    """TIDE as the paper has it: image, transcriptome, cell type and doses in the teacher."""
    return _paper("tide", TideConfig(ssl=_PAPER_SSL))


def tide_plus() -> RunConfig:
    """TIDE+: a mechanism head that regresses the transcriptome, beside the student's own."""
    return _paper("tide_plus", TidePlusConfig()).model_copy(
        update={"rna": RnaSettings(scfm="none"), "tau": 0.15}
    )


def dino() -> RunConfig:
    """DINO: images alone."""
    return _paper("dino", DinoConfig(**_PAPER_SSL.model_dump()))


def mae() -> RunConfig:
    """Masked autoencoder: images alone."""
    return _paper("mae", MaeConfig())


def labels() -> RunConfig:
    """Drug classifier without a teacher (CE in the tables)."""
    return _paper("labels", LabelsConfig())


def cl_d() -> RunConfig:
    """CL(D): images against the structures of their drugs."""
    return _paper("cl_d", ClDConfig())


def cl_d_dino() -> RunConfig:
    """CL(D) with 0.2 of DINO beside it."""
    return _paper("cl_d_dino", ClDConfig(beta=0.2, ssl=_PAPER_SSL))


def cl_r() -> RunConfig:
    """CL(R): images against transcriptomes, batches of 512."""
    return _paper("cl_r", ClRConfig()).model_copy(update={"batch_size": 512})


def cl_r_dino() -> RunConfig:
    """CL(R) with 0.2 of DINO beside it."""
    return cl_r().model_copy(
        update={"name": "cl_r_dino", "method": ClRConfig(beta=0.2, ssl=_PAPER_SSL)}
    )


def cl_soft() -> RunConfig:
    """CL(R) whose targets grow with the likeness of compound, dose and cell line."""
    return cl_r().model_copy(update={"name": "cl_soft", "method": ClRConfig(positives="soft")})


def _paper(name: str, method: MethodConfig) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": name,
            "method": method.model_dump(by_alias=True),
            "epochs": 400,
            "optimiser": OptimiserSettings(),
            "drugs": DrugFeatures(),
        }
    )


def sample_student() -> RunConfig:
    """TIDE with a small ViT on 112 px tiles: the student in ``sample_data``.

    An hour on one core, a minute or two on a GPU. Temperatures and weights are those chosen for
    features (docs/choices.md).
    """
    return RunConfig.model_validate(
        {
            "name": "sample_student",
            "method": TideConfig(
                beta=0.0, distillation=0.3, teacher=TeacherConfig(tau=0.2)
            ).model_dump(),
            "encoder": {"size": "micro", "width": 120, "depth": 6, "patch_px": 16},
            "drugs": {"n_bits": 1024, "hidden": 128},
            "tau": 0.15,
            "rna": {"scfm": "none"},
            "n_steps": 1700,
            "batch_size": 256,
            "optimiser": {"lr": 1e-3},
            "checkpoint_every": 100,
            "validation": {"n_times": 6},
            "card": {
                "license": "bsd-3-clause",
                "description": (
                    "Trained on a simulated screen to show how the docks work; it knows nothing of "
                    "real drugs."
                ),
            },
        }
    )
