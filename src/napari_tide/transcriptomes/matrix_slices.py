"""Read part of a matrix in an HDF5 file, touching little more than that part.

Memory beyond the answer stays under about 32 MB, or one row of chunks where chunks are larger.
"""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np
import numpy.typing as npt

from napari_tide.transcriptomes.selection import Positions

_BUFFER_BYTES = 32 * 2**20


def read_slice(
    dataset: h5py.Dataset, *, rows: Positions, columns: Positions
) -> npt.NDArray[np.float32]:
    """Read some rows and columns of a two-dimensional dataset; positions ascend without repeats."""
    out = np.empty((len(rows), len(columns)), dtype=np.float32)
    if not out.size:
        return out
    if dataset.chunks is None:
        _read_contiguous(dataset, rows, columns, out)
    else:
        _read_chunks(dataset, rows, columns, out)
    return out


def _read_contiguous(
    dataset: h5py.Dataset, rows: Positions, columns: Positions, out: npt.NDArray[np.float32]
) -> None:
    first, last = int(columns[0]), int(columns[-1]) + 1
    inside = _as_slice(columns - first)
    batch = max(1, _BUFFER_BYTES // ((last - first) * dataset.dtype.itemsize))
    for top in range(0, len(rows), batch):
        wanted = (_as_slice(rows[top : top + batch]), slice(first, last))
        if isinstance(inside, slice):
            dataset.read_direct(out, wanted, np.s_[top : top + batch, :])
        else:
            out[top : top + batch] = dataset[wanted][:, inside]


def _read_chunks(
    dataset: h5py.Dataset, rows: Positions, columns: Positions, out: npt.NDArray[np.float32]
) -> None:
    """Read whole bands of chunks, each once: HDF5's own row-by-row selection is slower here."""
    height, width = dataset.chunks
    for left, right in _bands(columns, width, dataset.shape[1]):
        first, last = int(columns[left]), int(columns[right - 1]) + 1
        inside = _as_slice(columns[left:right] - first)
        longest = max(height, _BUFFER_BYTES // ((last - first) * dataset.dtype.itemsize))
        for top, bottom in _bands(rows, height, longest):
            low, high = int(rows[top]), int(rows[bottom - 1]) + 1
            block = dataset[low:high, first:last]
            out[top:bottom, left:right] = block[_as_slice(rows[top:bottom] - low)][:, inside]


def _bands(positions: Positions, chunk: int, longest: int) -> Iterator[tuple[int, int]]:
    """Split ascending positions so that touching chunks are read together, up to `longest`."""
    chunks = (positions // chunk).tolist()
    start = 0
    for here in range(1, len(chunks)):
        step = chunks[here] - chunks[here - 1]
        if step == 0:
            continue
        reach = (chunks[here] + 1) * chunk - int(positions[start])
        if step > 1 or reach > longest:
            yield start, here
            start = here
    yield start, len(chunks)


def _as_slice(positions: Positions) -> slice | Positions:
    """Give a slice where positions are neighbours, which copies nothing."""
    if int(positions[-1]) - int(positions[0]) + 1 == len(positions):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
