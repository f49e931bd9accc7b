"""The file of a finished cell: written last and whole, so that a cell is done where it is there."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict, cast

from napari_tide.errors import OutputWriteError, RunFormatError
from tide_train.bench.tables.worlds import Size

SCORES = "scores.json"


class _Needed(TypedDict):
    world_seed: int
    setting: str
    arm: str
    seed: int
    train_s: float
    scores: dict[str, dict[str, float]]


class CellScores(_Needed, total=False):
    """What is known of a finished cell; ``scores`` are by read-out, then by name."""

    world: str
    size: Size  # features, where it does not say
    cell_s: float
    device: str


def write_cell_scores(folder: Path, found: CellScores) -> None:
    """Write what was found.

    Raises
    ------
    OutputWriteError
        The folder cannot be written.
    """
    partial = folder / (SCORES + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(found), encoding="utf-8")
        os.replace(partial, folder / SCORES)  # noqa: PTH105 - the same call on every system
    except OSError as error:
        message = f"cannot write {folder / SCORES}: {error.strerror or error}; make room and go on"
        raise OutputWriteError(message) from error


def read_cell_scores(folder: Path) -> CellScores:
    """Read what was found.

    Raises
    ------
    RunFormatError
        The file is not there, cut short, or of something else.
    """
    path = folder / SCORES
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read ({error}); delete it, and the same command makes it anew"
        raise RunFormatError(message) from error
    if not isinstance(found, dict) or not set(found) >= _Needed.__required_keys__:
        message = f"{path} holds no scores of a cell; delete it, and the same command makes it anew"
        raise RunFormatError(message)
    return cast("CellScores", found)


def is_finished(folder: Path) -> bool:
    """Whether a cell's scores are there and whole."""
    if not (folder / SCORES).is_file():
        return False
    try:
        read_cell_scores(folder)
    except RunFormatError:
        return False
    return True
