"""Every method at toy size: seconds on a CPU, for tests and for a first look at one's own data."""

from __future__ import annotations

from tide_train.methods.cl_d import ClDConfig
from tide_train.methods.cl_r import ClRConfig
from tide_train.methods.dino import DinoConfig
from tide_train.methods.labels import LabelsConfig
from tide_train.methods.mae import MaeConfig
from tide_train.methods.method import MethodConfig
from tide_train.methods.self_distillation import SelfDistillationConfig
from tide_train.methods.semi_clipped import SemiClippedConfig
from tide_train.methods.tide import TideConfig
from tide_train.methods.tide_plus import TidePlusConfig
from tide_train.recipes.tables import semi_clipped, tide_features
from tide_train.run_config import RnaSettings, RunConfig, ValidationSettings

_SSL = SelfDistillationConfig(
    n_outputs=256, head_hidden=64, head_bottleneck=256, momentum=0.9, teacher_to=0.04
)


def debug_tide() -> RunConfig:
    """TIDE at toy size."""
    return _debug("debug_tide", TideConfig(ssl=_SSL))


def debug_tide_plus() -> RunConfig:
    """TIDE+ at toy size."""
    return _debug("debug_tide_plus", TidePlusConfig())


def debug_dino() -> RunConfig:
    """DINO at toy size."""
    return _debug("debug_dino", DinoConfig(**_SSL.model_dump()))


def debug_mae() -> RunConfig:
    """MAE at toy size."""
    return _debug("debug_mae", MaeConfig(decoder_width=64, decoder_depth=1, decoder_heads=2))


def debug_labels() -> RunConfig:
    """Drug classifier at toy size."""
    return _debug("debug_labels", LabelsConfig())


def debug_cl_d() -> RunConfig:
    """CL(D) at toy size."""
    return _debug("debug_cl_d", ClDConfig(width=32))


def debug_cl_d_dino() -> RunConfig:
    """CL(D) with DINO at toy size."""
    return _debug("debug_cl_d_dino", ClDConfig(width=32, beta=0.2, ssl=_SSL))


def debug_cl_r() -> RunConfig:
    """CL(R) at toy size."""
    return _debug("debug_cl_r", ClRConfig(width=32))


def debug_cl_r_dino() -> RunConfig:
    """CL(R) with DINO at toy size."""
    return _debug("debug_cl_r_dino", ClRConfig(width=32, beta=0.2, ssl=_SSL))


def debug_cl_soft() -> RunConfig:
    """CL(soft) at toy size."""
    return _debug("debug_cl_soft", ClRConfig(width=32, positives="soft"))


def debug_tide_features() -> RunConfig:
    """TIDE on a table of profiles at toy size."""
    return tide_features().model_copy(
        update={
            "name": "debug_tide_features",
            "rna": RnaSettings(scfm="none"),
            "n_steps": 40,
            "batch_size": 32,
            "log_every": 2,
        }
    )


def debug_semi_clipped() -> RunConfig:
    """Semi-Clipped with PEA at toy size."""
    return semi_clipped().model_copy(
        update={
            "name": "debug_semi_clipped",
            "method": SemiClippedConfig(hidden=64),
            "n_steps": 60,
            "batch_size": 32,
            "validation": ValidationSettings(n_times=3),
            "checkpoint_every": 20,
            "log_every": 1,
        }
    )


def _debug(name: str, method: MethodConfig) -> RunConfig:
    return RunConfig.model_validate(
        {
            "name": name,
            "method": method.model_dump(by_alias=True),
            "encoder": {"size": "micro", "depth": 2, "patch_px": 8},
            "crops": {"n_local": 2},
            "rna": {"scfm": "none"},
            "drugs": {"n_bits": 256, "hidden": 64},
            "n_steps": 40,
            "batch_size": 16,
            "optimiser": {"lr": 1e-3},
            "validation": {"n_times": 2},
            "checkpoint_every": 20,
            "log_every": 2,
            "threads": 1,
        }
    )
