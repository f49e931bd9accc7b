"""Looking at the data of a training: the one place that knows screens, packs and profiles apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from napari_tide.errors import TideError
from napari_tide.profiles.store import read_profiles
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.screen import Screen
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.viewmodels.data_check import DataCheck, check_profiles, check_rows, check_screen


def check_data(path: Path, screen: Screen | None, l1000: Sequence[Path]) -> DataCheck:
    """Check what lies at `path`; `screen` is the open one, where that is what lies there.

    Raises
    ------
    TideError
        The data or an expression file cannot be read.
    """
    samples = [open_expression(file).samples for file in l1000]
    if screen is not None:
        return check_screen(screen, path, l1000=samples, is_as_on_disk=is_as_on_disk(screen, path))
    from tide_train.data.tile_pack import TilePack
    from tide_train.data.training_data import is_trainable, open_training_data

    if not is_trainable(path):
        return check_screen(open_screen(path), path, l1000=samples)
    if path.is_file():
        return check_profiles(read_profiles(path), path, l1000=samples)
    data = open_training_data(path)
    assert isinstance(data, TilePack)
    return check_rows(data.metadata, path, kind="pack", channels=data.channels, l1000=samples)


def expression_beside(path: Path) -> list[Path]:
    """Find the expression file that lies beside the data, where there is exactly one."""
    folder = path if path.is_dir() else path.parent
    try:
        found = [file for file in folder.iterdir() if file.suffix.lower() in (".gctx", ".gct")]
    except OSError:
        return []
    return found if len(found) == 1 else []


def is_as_on_disk(screen: Screen, path: Path) -> bool:
    """Tell whether opening `path` again would give this screen; a joined plate map says no."""
    try:
        again = open_screen(path)
    except TideError:
        return False
    return again.channel_names == screen.channel_names and _equal(again.sites, screen.sites)


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return list(one.columns) == list(other.columns) and one.equals(other)
