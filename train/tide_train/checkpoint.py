"""Checkpoints: tensors and numbers only, written whole, the last two and the best one kept."""

from __future__ import annotations

import os
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_tide.errors import CheckpointFormatError, OutputWriteError

_N_KEPT = 2
_NAME = re.compile(r"step_(\d+)\.pt")
BEST = "best.pt"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Where a run stands after so many steps."""

    n_steps: int
    method: dict[str, torch.Tensor]
    optimiser: dict[str, object]
    best: dict[str, float]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and remove all but the newest.

    Raises
    ------
    OutputWriteError
        The folder cannot be written; what was there before stays.
    """
    path = folder / f"step_{checkpoint.n_steps:08d}.pt"
    content = {
        "n_steps": checkpoint.n_steps,
        "method": checkpoint.method,
        "optimiser": checkpoint.optimiser,
        "best": checkpoint.best,
    }
    save_tensors(path, content)
    for old in _by_step(folder)[:-_N_KEPT]:
        old.unlink(missing_ok=True)
    return path


def save_tensors(path: Path, content: dict[str, object]) -> None:
    """Write tensors and numbers, whole or not at all.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)  # noqa: PTH105 - the same call on every system
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        message = f"cannot write {path} ({error}); make room there and go on with --resume"
        raise OutputWriteError(message) from error


def latest_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the newest checkpoint that can be read; None where there is none.

    Raises
    ------
    CheckpointFormatError
        There are some, and none can be read.
    """
    paths = _by_step(folder)
    for path in reversed(paths):
        try:
            found = load_tensors(path)
            return Checkpoint(found["n_steps"], found["method"], found["optimiser"], found["best"])
        except (CheckpointFormatError, KeyError):
            continue
    if paths:
        message = f"none of the checkpoints in {folder} can be read; start the run again"
        raise CheckpointFormatError(message)
    return None


def load_tensors(path: Path) -> dict[str, Any]:
    """Read what `save_tensors` wrote; never anything that could run code.

    Raises
    ------
    CheckpointFormatError
        The file is damaged or is something else.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        message = f"{path} is not a checkpoint of a run ({type(error).__name__})"
        raise CheckpointFormatError(message) from error
    if not isinstance(found, dict):
        message = f"{path} is not a checkpoint of a run"
        raise CheckpointFormatError(message)
    return found


def _by_step(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step_*.pt") if _NAME.fullmatch(path.name)]
    return sorted(found)
