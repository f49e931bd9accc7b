"""The methods by the ``kind`` of their settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_tide.errors import TrainValueError
from tide_train.methods.cl_d import ClD, ClDConfig
from tide_train.methods.cl_r import ClR, ClRConfig
from tide_train.methods.dino import Dino, DinoConfig
from tide_train.methods.labels import Labels, LabelsConfig
from tide_train.methods.mae import Mae, MaeConfig
from tide_train.methods.method import Method, MethodInputs
from tide_train.methods.semi_clipped import SemiClippedConfig
from tide_train.methods.tide import Tide, TideConfig
from tide_train.methods.tide_plus import TidePlus, TidePlusConfig

AnyMethodConfig = Annotated[
    TideConfig
    | TidePlusConfig
    | DinoConfig
    | MaeConfig
    | ClDConfig
    | ClRConfig
    | LabelsConfig
    | SemiClippedConfig,
    Field(discriminator="kind"),
]

_NO_STUDENT = "semi_clipped trains an adapter and no student; start it as a run of its own"


def method_class(config: AnyMethodConfig) -> type[Method]:
    """Give the class that a configuration is of; of those that train a student."""
    if isinstance(config, SemiClippedConfig):
        raise TrainValueError(_NO_STUDENT)
    classes: dict[str, type[Method]] = {
        "tide": Tide,
        "tide_plus": TidePlus,
        "dino": Dino,
        "mae": Mae,
        "cl_d": ClD,
        "cl_r": ClR,
        "labels": Labels,
    }
    return classes[config.kind]


def needs_pairs(config: AnyMethodConfig) -> bool:
    """Tell whether a method cannot train without transcriptomes."""
    if isinstance(config, SemiClippedConfig):
        return True
    if isinstance(config, TideConfig) and not config.needs_pairs:
        return False
    return method_class(config).needs_pairs


def build_method(config: AnyMethodConfig, inputs: MethodInputs) -> Method:
    """Build an untrained method around a student."""
    match config:
        case TideConfig():
            return Tide(config, inputs)
        case TidePlusConfig():
            return TidePlus(config, inputs)
        case DinoConfig():
            return Dino(config, inputs)
        case MaeConfig():
            return Mae(config, inputs)
        case ClDConfig():
            return ClD(config, inputs)
        case ClRConfig():
            return ClR(config, inputs)
        case LabelsConfig():
            return Labels(config, inputs)
        case SemiClippedConfig():
            raise TrainValueError(_NO_STUDENT)
