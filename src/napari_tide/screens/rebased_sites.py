"""The table of a screen as seen from another folder."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from napari_tide.screens.screen import Screen


def rebased_sites(screen: Screen, folder: Path) -> pd.DataFrame:
    """Give the table with paths relative to `folder`, forward slashes everywhere."""
    here = os.path.abspath(folder)
    table = screen.sites.copy()
    if str(screen.root) == here:
        return table
    start = os.path.relpath(screen.root, here)
    for column in table.columns:
        if column.startswith(("path_", "illum_")):
            distinct = {
                address: Path(os.path.normpath(os.path.join(start, address))).as_posix()
                for address in table[column].unique()
                if address
            }
            table[column] = table[column].map(distinct).fillna("")
    return table
