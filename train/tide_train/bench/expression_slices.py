"""How long a slice of an expression file takes, against h5py alone, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.gctx_layout import GENE_GROUP, MATRIX, SAMPLE_GROUP

_N_REPEATS = 9

Values = npt.NDArray[np.float32]


def time_expression_slices(
    folder: Path, *, n_samples: int = 20_000, n_genes: int = 978, n_read: int = 500, seed: int = 0
) -> list[tuple[str, str, float, float]]:
    """Read random samples from files of several layouts, three ways.

    The ways take turns and the best of nine turns counts. All open the file anew each time.

    Parameters
    ----------
    folder
        Where the files are made; four bytes a value each, removed at the end.

    Returns
    -------
    rows
        ``(layout, way, seconds, seconds relative to ours)``.
    """
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_samples, n_genes)).astype(np.float32)
    wanted = np.sort(rng.choice(n_samples, n_read, replace=False))
    rows = []
    for layout, settings in _layouts(n_genes).items():
        path = folder / f"{layout}.gctx"
        _write(path, values, settings)
        try:
            seconds = _best_times(_ways(path, wanted), expected=values[wanted])
        finally:
            path.unlink()
        ours = seconds["napari-tide"]
        rows += [(layout, way, taken, taken / ours) for way, taken in seconds.items()]
    return rows


def _layouts(n_genes: int) -> dict[str, dict[str, object]]:
    return {
        "contiguous": {},
        "chunk_per_sample": {"chunks": (1, n_genes)},
        "chunks_of_64": {"chunks": (64, n_genes)},
        "chunks_of_64_gzip": {"chunks": (64, n_genes), "compression": "gzip"},
    }


def _write(path: Path, values: Values, settings: Mapping[str, object]) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset(MATRIX, data=values, **settings)
        for group, n in zip((SAMPLE_GROUP, GENE_GROUP), values.shape, strict=True):
            file[f"{group}/id"] = np.arange(n).astype("S")


def _ways(path: Path, wanted: npt.NDArray[np.int64]) -> dict[str, Callable[[], Values]]:
    opened = open_expression(path)

    def ours() -> Values:
        return opened.read(samples=wanted).values

    def fancy() -> Values:
        with h5py.File(path) as file:
            picked: Values = file[MATRIX][wanted]
            return picked

    def row_by_row() -> Values:
        with h5py.File(path) as file:
            matrix = file[MATRIX]
            return np.stack([matrix[row] for row in wanted])

    return {"napari-tide": ours, "h5py_fancy": fancy, "h5py_row_by_row": row_by_row}


def _best_times(ways: Mapping[str, Callable[[], Values]], *, expected: Values) -> dict[str, float]:
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(_N_REPEATS):
        for way, read in ways.items():
            start = time.perf_counter()
            values = read()
            best[way] = min(best[way], time.perf_counter() - start)
            assert np.array_equal(values, expected), way
    return best
