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
# what is copied in vain in the time that one more call takes
_GAP_BYTES = 16 * 2**10


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
    """Read band by band, so that every chunk is fetched, and unpacked, once."""
    height, width = dataset.chunks
    for left, right in _bands(columns, width, gap=2 * width, longest=dataset.shape[1]):
        first, last = int(columns[left]), int(columns[right - 1]) + 1
        inside = _as_slice(columns[left:right] - first)
        row_bytes = (last - first) * dataset.dtype.itemsize
        longest, gap = _BUFFER_BYTES // row_bytes, max(1, _GAP_BYTES // row_bytes)
        is_kept = _fits_cache(dataset, first, last)
        target, places = out[:, left:right], rows.tolist()
        for top, bottom in _bands(rows, height, gap=gap, longest=longest, is_kept=is_kept):
            low, high = places[top], places[bottom - 1] + 1
            block = dataset[low:high, first:last]
            if high - low > bottom - top:
                block = block[rows[top:bottom] - low]
            target[top:bottom] = block[:, inside]


def _fits_cache(dataset: h5py.Dataset, first: int, last: int) -> bool:
    """Tell whether HDF5 keeps the chunks of a few columns from one call to the next."""
    height, width = dataset.chunks
    n_across = (last - 1) // width - first // width + 1
    cache_bytes = dataset.id.get_access_plist().get_chunk_cache()[1]
    return bool(n_across * height * width * dataset.dtype.itemsize <= cache_bytes)


def _bands(
    positions: Positions, chunk: int, *, gap: int, longest: int, is_kept: bool = False
) -> Iterator[tuple[int, int]]:
    """Split ascending positions into bands to read at once.

    A band goes on to the next position where that is in the same chunk, or in the adjoining one,
    at most `gap` away, with the band within `longest`. Where `is_kept`, chunks stay in memory, so
    that a band may end inside a chunk: then `gap` and `longest` hold there too.
    """
    chunks = (positions // chunk).tolist()
    steps = np.diff(positions).tolist()
    start = 0
    for here in range(1, len(chunks)):
        n_chunks_on = chunks[here] - chunks[here - 1]
        if n_chunks_on == 0 and not is_kept:
            continue
        end = int(positions[here]) + 1 if is_kept else (chunks[here] + 1) * chunk
        if n_chunks_on > 1 or steps[here - 1] > gap or end - int(positions[start]) > longest:
            yield start, here
            start = here
    yield start, len(chunks)


def _as_slice(positions: Positions) -> slice | Positions:
    """Give a slice where positions are neighbours, which copies nothing."""
    if int(positions[-1]) - int(positions[0]) + 1 == len(positions):
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
