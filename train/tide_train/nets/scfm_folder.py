"""A trained scFM on disk: ``config.json`` and ``model.safetensors``; never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Annotated, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from napari_tide.chem.feature_settings import FeatureSettings
from napari_tide.errors import CheckpointFormatError, OutputExistsError, OutputWriteError
from napari_tide.readable_file import as_readable_as_usual
from tide_train.nets.dose_encoding import DoseScale
from tide_train.nets.response_predictor import PredictorConfig, ResponsePredictor
from tide_train.nets.scfm import Scfm
from tide_train.nets.scgpt import ScGPT, ScGPTConfig
from tide_train.nets.scgpt_tokens import CLS, PAD

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT_VERSION = 1
_WAY_OUT = "fine-tune or copy the scFM folder again"


class ScfmConfig(BaseModel):
    """What the weights are, and everything needed to encode and predict as in training."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    format_version: Literal[1] = 1
    encoder: ScGPTConfig
    vocabulary: dict[str, Annotated[int, Field(ge=0)]]
    predictor: PredictorConfig
    genes: tuple[str, ...] = Field(min_length=1, description="Genes predicted, in order")
    lowest_log10_um: float
    highest_log10_um: float
    features: FeatureSettings
    training: dict[str, JsonValue] = Field(default={}, description="Settings and scores, as told")
    sha256: str = Field(default="", description="Hash of the weights")

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        ids, sizes = self.vocabulary.values(), self.predictor
        problems = {
            f"the vocabulary lacks {CLS} or {PAD}": not {CLS, PAD} <= self.vocabulary.keys(),
            "two tokens of the vocabulary have one number": len(set(ids)) != len(ids),
            f"{len(self.genes)} genes, {sizes.n_genes} predicted": len(self.genes) != sizes.n_genes,
            "drugs have more or fewer features than their settings say": self.features.n_features
            != sizes.n_features,
            "the lowest dose lies above the highest": self.lowest_log10_um > self.highest_log10_um,
        }
        for problem, is_there in problems.items():
            if is_there:
                raise ValueError(problem)
        return self


def save_scfm(
    folder: Path,
    predictor: ResponsePredictor,
    *,
    genes: tuple[str, ...],
    dose_scale: DoseScale,
    features: FeatureSettings,
    training: dict[str, JsonValue] | None = None,
    overwrite: bool = False,
) -> ScfmConfig:
    """Write a trained predictor, whole or not at all.

    Parameters
    ----------
    training
        Settings and scores to keep beside the weights.

    Raises
    ------
    OutputExistsError
        The folder is there already and `overwrite` is off.
    OutputWriteError
        The folder cannot be written.
    """
    if folder.exists() and not overwrite:
        message = f"{folder} exists already; choose another folder for the scFM"
        raise OutputExistsError(message)
    config = ScfmConfig(
        encoder=predictor.encoder.config,
        vocabulary=predictor.encoder.vocabulary,
        predictor=predictor.config,
        genes=genes,
        lowest_log10_um=dose_scale.lowest,
        highest_log10_um=dose_scale.highest,
        features=features,
        training=training or {},
    )
    partial = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        tensors = {name: value.contiguous().cpu() for name, value in predictor.state_dict().items()}
        save_file(tensors, partial / WEIGHTS, metadata={"format": "pt"})
        as_readable_as_usual(partial / WEIGHTS)
        signed = config.model_copy(update={"sha256": _sha256(partial / WEIGHTS)})
        (partial / CONFIG).write_text(signed.model_dump_json(indent=1), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)  # noqa: PTH105 - the same call on every system
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        message = f"cannot write {folder}: {error.strerror or error}; choose another folder"
        raise OutputWriteError(message) from error
    return signed


def load_scfm(folder: Path) -> Scfm:
    """Read a trained scFM and refuse anything that is not exactly what its configuration says.

    Raises
    ------
    CheckpointFormatError
        A file is missing or damaged, or a hash or a tensor does not fit.
    """
    config = read_scfm_config(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        message = f"{folder} has no {WEIGHTS}; copy the whole scFM folder"
        raise CheckpointFormatError(message)
    if _sha256(weights) != config.sha256:
        message = (
            f"{weights} is not the file {CONFIG} was written for (its SHA-256 differs); {_WAY_OUT}"
        )
        raise CheckpointFormatError(message)
    try:
        tensors = load_file(weights)
    except (OSError, SafetensorError) as error:
        message = f"{weights} is not a safetensors file ({error}); {_WAY_OUT}"
        raise CheckpointFormatError(message) from error
    predictor = _build(config, tensors, weights).eval().requires_grad_(requires_grad=False)
    return Scfm.of(predictor, DoseScale(config.lowest_log10_um, config.highest_log10_um))


def read_scfm_config(folder: Path) -> ScfmConfig:
    """Read what a saved scFM says of itself: genes, molecular features, settings and scores.

    Raises
    ------
    CheckpointFormatError
        The file is missing or damaged, or written for another version.
    """
    path = folder / CONFIG
    if not path.is_file():
        message = f"{folder} is no scFM: it has no {CONFIG}; choose the folder that holds it"
        raise CheckpointFormatError(message)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} is not readable JSON ({error}); {_WAY_OUT}"
        raise CheckpointFormatError(message) from error
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        message = (
            f"{path} has format_version {version}, this napari-tide reads {FORMAT_VERSION}; "
            "update napari-tide"
        )
        raise CheckpointFormatError(message)
    try:
        return ScfmConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        message = f"{path} is not a valid scFM: {where}: {first['msg']}; {_WAY_OUT}"
        raise CheckpointFormatError(message) from error


def _build(
    config: ScfmConfig, tensors: dict[str, torch.Tensor], weights: Path
) -> ResponsePredictor:
    # on "meta" nothing is allocated before every shape is known to fit
    with torch.device("meta"):
        encoder = ScGPT(config.encoder, config.vocabulary)
        predictor = ResponsePredictor(encoder, config.predictor)
    expected = predictor.state_dict()
    problems = [
        *(f"{name} is missing" for name in expected if name not in tensors),
        *(f"{name} does not belong there" for name in tensors if name not in expected),
        *(
            f"{name} is {tuple(tensors[name].shape)}, expected {tuple(value.shape)}"
            for name, value in expected.items()
            if name in tensors and tensors[name].shape != value.shape
        ),
    ]
    problems += [
        f"{name} holds {value.dtype} or values that are not finite"
        for name, value in tensors.items()
        if value.dtype != torch.float32 or not torch.isfinite(value).all()
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        message = f"{weights}: {'; '.join(problems[:3])}{more}; {_WAY_OUT}"
        raise CheckpointFormatError(message)
    predictor.load_state_dict(tensors, assign=True)
    return predictor


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
