"""PCA-CS: against scikit-learn, against its floor, and a million rows on disk.

The floor is one pass of matrix products: every row times a square matrix once, which any rotation
of all rows must pay.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA  # type: ignore[import-untyped, unused-ignore]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped, unused-ignore]

from napari_tide.profiles.align.align_table import align_profiles, align_table
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import ProfileWriter
from tide_train.bench.memory import MemoryRow
from tide_train.bench.speed_row import SpeedRow, compare_speed
from tide_train.peak_memory import peak_memory_bytes

FLOOR_GOAL = 2.0
PEER_GOAL = 1.0
_CONTROL_SHARE = 0.05
_ROWS_A_PART = 50_000

Rows = npt.NDArray[np.float32]


def time_pca_cs(
    *, n_rows: int = 200_000, n_features: int = 384, n_batches: int = 100, n_rounds: int = 5
) -> list[SpeedRow]:
    """Time PCA-CS from arrays to arrays against the usual code and against its floor."""
    profiles = _profiles(n_rows, n_features, n_batches, first_row=0)
    batches, is_control = profiles.batches, profiles.is_control
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(n_features, n_features)))[0]
    matrix = rotation.astype(np.float32)
    what = f"PCA-CS of {n_rows:,} x {n_features}, {n_batches} batches, in memory"
    return [
        compare_speed(
            lambda: align_profiles(profiles, "pca-cs"),
            lambda: pca_cs_by_scikit_learn(profiles.features, batches, is_control),
            what=what,
            peer_name="PCA and StandardScaler of scikit-learn, batch by batch, as in EFAAR",
            goal=PEER_GOAL,
            n_rounds=n_rounds,
        ),
        compare_speed(
            lambda: align_profiles(profiles, "pca-cs"),
            lambda: profiles.features @ matrix,
            what=what,
            peer_name="one pass of matrix products over all rows",
            goal=FLOOR_GOAL,
            n_rounds=n_rounds,
        ),
    ]


def pca_cs_by_scikit_learn(
    rows: Rows, batches: npt.NDArray[np.object_], is_control: npt.NDArray[np.bool_]
) -> Rows:
    """Align as public benchmarking code does: PCA on controls, then a scaler for every batch."""
    rotated: Rows = PCA().fit(rows[is_control]).transform(rows)
    for batch in np.unique(batches):
        here = batches == batch
        scaler = StandardScaler().fit(rotated[here & is_control])
        rotated[here] = scaler.transform(rotated[here])
    return rotated


def align_on_disk(
    *, n_rows: int = 1_000_000, n_features: int = 384, n_batches: int = 500
) -> MemoryRow:
    """Align a table on disk and give this process's peak memory; run it in a fresh process."""
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "p.parquet", Path(name) / "aligned.parquet"
        with ProfileWriter(source) as writer:
            for part in _parts(n_rows, n_features, n_batches):
                writer.write(part)
        start = time.perf_counter()
        align_table(source, out, method="pca-cs")
        seconds = time.perf_counter() - start
    what = f"PCA-CS of {n_rows:,} x {n_features} from Parquet to Parquet"
    return MemoryRow(what, peak_memory_bytes(), seconds)


def _parts(n_rows: int, n_features: int, n_batches: int) -> Iterator[Profiles]:
    for first in range(0, n_rows, _ROWS_A_PART):
        n_here = min(_ROWS_A_PART, n_rows - first)
        yield _profiles(n_here, n_features, n_batches, first_row=first)


def _profiles(n_rows: int, n_features: int, n_batches: int, *, first_row: int) -> Profiles:
    """Make embeddings of plates with a shift each; every twentieth row is a control."""
    random = np.random.default_rng(first_row)
    numbers = np.arange(first_row, first_row + n_rows)
    batch = (numbers // 2_000) % n_batches
    rows = random.standard_normal((n_rows, n_features), np.float32)
    rows += np.random.default_rng(1).normal(size=(n_batches, n_features)).astype(np.float32)[batch]
    every = round(1 / _CONTROL_SHARE)
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": [f"P{number:04d}" for number in batch],
            "Metadata_Control": np.where(numbers % every == 0, "negcon", ""),
        }
    )
    return Profiles(metadata, rows, embedding_names(n_features), "well", "bench")
