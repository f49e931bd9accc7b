"""The folder that lets a student be asked by expression signature: what ``tide hits`` reads.

``config.json`` (genes, layers, where they lead), ``adapter.safetensors`` and a card.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from napari_tide.discovery.signature_query import CONFIG, WEIGHTS, AdapterConfig
from napari_tide.errors import OutputWriteError
from napari_tide.readable_file import as_readable_as_usual

CARD = "README.md"


def write_signature_folder(
    folder: Path, config: AdapterConfig, *, tensors: Mapping[str, torch.Tensor], card: str
) -> None:
    """Write the folder, whole or not at all; one that is there is replaced.

    Raises
    ------
    OutputWriteError
        The folder cannot be written.
    """
    partial = folder.with_name(folder.name + ".partial")
    ready = {name: value.float().contiguous() for name, value in tensors.items()}
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_file(ready, partial / WEIGHTS, metadata={"format": "pt"})
        as_readable_as_usual(partial / WEIGHTS)
        (partial / CONFIG).write_text(config.model_dump_json(indent=2), encoding="utf-8")
        (partial / CARD).write_text(card, encoding="utf-8")
        _replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        message = f"cannot write {folder}: {error.strerror or error}; make room there and go on"
        raise OutputWriteError(message) from error


def _replace(partial: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    os.replace(partial, folder)  # noqa: PTH105 - the same call on every system
    shutil.rmtree(old, ignore_errors=True)
