"""A student on disk: ``config.json``, ``model.safetensors`` and a model card; never a pickle.

The folder has the names huggingface_hub expects, so it can be pushed and loaded as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_tide.errors import BundleFormatError, OutputExistsError, OutputWriteError
from napari_tide.readable_file import as_readable_as_usual
from napari_tide.students.bundle_config import FORMAT_VERSION, BundleConfig
from napari_tide.students.model_card import model_card
from napari_tide.students.student import Student

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A student ready for use, with everything that was said about it."""

    student: Student
    config: BundleConfig
    folder: Path

    @property
    def id(self) -> str:
        """The name and the first digits of the weights' hash: which student wrote a profile."""
        return f"{self.config.name}-{self.config.sha256[:12]}"


def save_bundle(
    student: Student, config: BundleConfig, folder: Path, *, overwrite: bool = False
) -> BundleConfig:
    """Write a bundle, whole or not at all, and give its configuration with the weights' hash.

    Raises
    ------
    OutputExistsError
        The folder is there already and `overwrite` is off.
    OutputWriteError
        The folder cannot be written.
    """
    if folder.exists() and not overwrite:
        message = f"{folder} exists already; choose another folder or pass --overwrite"
        raise OutputExistsError(message)
    partial = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        tensors = {name: value.contiguous().cpu() for name, value in student.state_dict().items()}
        save_file(tensors, partial / WEIGHTS, metadata={"format": "pt"})
        as_readable_as_usual(partial / WEIGHTS)
        signed = config.model_copy(update={"sha256": _sha256(partial / WEIGHTS)})
        (partial / CONFIG).write_text(signed.model_dump_json(indent=2), encoding="utf-8")
        (partial / CARD).write_text(model_card(signed), encoding="utf-8")
        _replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        message = f"cannot write {folder}: {error.strerror or error}; choose another folder"
        raise OutputWriteError(message) from error
    return signed


def load_bundle(folder: Path, *, device: str = "cpu") -> Bundle:
    """Read a bundle and refuse anything that is not exactly what its configuration says.

    Raises
    ------
    BundleFormatError
        A file is missing or damaged, a hash or a tensor does not fit, or the version is newer.
    """
    config = _read_config(folder)
    weights = folder / WEIGHTS
    if not weights.is_file():
        message = f"{folder} has no {WEIGHTS}; copy the whole bundle folder"
        raise BundleFormatError(message)
    if _sha256(weights) != config.sha256:
        message = (
            f"{weights} is not the file {CONFIG} was written for (its SHA-256 differs); "
            "download or export the bundle again"
        )
        raise BundleFormatError(message)
    tensors = _read_tensors(weights)
    student = _build(config, tensors, weights)
    student.calibration_temperature = config.calibration.temperature
    return Bundle(student.eval().to(device), config, folder)


def _read_config(folder: Path) -> BundleConfig:
    path = folder / CONFIG
    if not path.is_file():
        message = f"{folder} is no student bundle: it has no {CONFIG}; choose the bundle's folder"
        raise BundleFormatError(message)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} is not readable JSON ({error}); download or export the bundle again"
        raise BundleFormatError(message) from error
    version = raw.get("format_version") if isinstance(raw, dict) else None
    if isinstance(version, int) and version > FORMAT_VERSION:
        message = (
            f"{path} has format_version {version}, this napari-tide reads {FORMAT_VERSION}; "
            "update napari-tide"
        )
        raise BundleFormatError(message)
    try:
        return BundleConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        message = f"{path} is not a valid bundle: {where}: {first['msg']}; export it again"
        raise BundleFormatError(message) from error


def _read_tensors(weights: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(weights, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        message = (
            f"{weights} is not a safetensors file ({error}); bundles never hold pickles, "
            "export it again"
        )
        raise BundleFormatError(message) from error


def _build(config: BundleConfig, tensors: dict[str, torch.Tensor], weights: Path) -> Student:
    codebook = config.student.codebook
    features = tensors.get("codebook.features_KF")
    expected_shape = (codebook.n_drugs, codebook.n_features)
    if features is None or tuple(features.shape) != expected_shape:
        found = "none" if features is None else tuple(features.shape)
        message = f"{weights}: codebook.features_KF is {found}, expected {expected_shape}"
        raise BundleFormatError(message)
    student = Student(config.student, features)
    _check_tensors(student.state_dict(), tensors, weights)
    student.load_state_dict(tensors)
    return student


def _check_tensors(
    expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor], weights: Path
) -> None:
    missing = sorted(expected.keys() - found.keys())
    extra = sorted(found.keys() - expected.keys())
    shapes = [
        f"{name} is {tuple(found[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & found.keys())
        if found[name].shape != expected[name].shape
    ]
    problems = [
        *(f"{name} is missing" for name in missing),
        *(f"{name} does not belong there" for name in extra),
        *shapes,
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        message = f"{weights}: {'; '.join(problems[:3])}{more}; export the bundle again"
        raise BundleFormatError(message)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(partial: Path, folder: Path) -> None:
    if folder.exists():
        old = folder.with_name(folder.name + ".old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(partial, folder)  # noqa: PTH105 - the same call on every system
