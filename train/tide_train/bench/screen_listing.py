"""Listing a large plate from its load_data.csv, against merely parsing the file with pandas."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pandas as pd

from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from tide_train.bench.speed_row import SpeedRow, TimeRow, compare_speed, time_work

CHANNELS = (
    "DNA", "ER", "RNA", "AGP", "Mito", "Brightfield_H", "Brightfield", "Brightfield_L",
)  # fmt: skip
GOAL_S = 2.0
# a list of sites costs more than a parse; this only guards against a slow loop creeping in
GOAL_RATIO = 20.0
_FOLDER = "/elsewhere/images/BR00100001__2022-08-31/Images"


def time_screen_listing(*, n_rounds: int = 5) -> list[SpeedRow | TimeRow]:
    """Time `read_screen` on 384 wells x 9 sites x 8 channels, images absent."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_load_data(Path(folder) / "load_data.csv")
        return [
            time_work(
                lambda: read_screen(path, ReadOptions()),
                what="listing a 384 x 9 x 8 load_data.csv",
                goal_s=GOAL_S,
                n_rounds=n_rounds,
            ),
            compare_speed(
                lambda: read_screen(path, ReadOptions()),
                lambda: pd.read_csv(path, dtype=str),
                what="listing a 384 x 9 x 8 load_data.csv",
                peer_name="pandas.read_csv alone",
                goal=GOAL_RATIO,
                n_rounds=n_rounds,
            ),
        ]


def write_load_data(path: Path) -> Path:
    """Write a table as CellProfiler does, for a plate whose images lie elsewhere."""
    header = [f"{kind}_Orig{name}" for name in CHANNELS for kind in ("FileName", "PathName")]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*header, "Metadata_Plate", "Metadata_Well", "Metadata_Site"])
        for row in range(16):
            for column in range(24):
                for site in range(1, 10):
                    stem = f"r{row + 1:02d}c{column + 1:02d}f{site:02d}p01"
                    files = [
                        value
                        for number in range(1, len(CHANNELS) + 1)
                        for value in (f"{stem}-ch{number}sk1fk1fl1.tiff", _FOLDER)
                    ]
                    well = f"{chr(ord('A') + row)}{column + 1:02d}"
                    writer.writerow([*files, "BR00100001", well, site])
    return path
