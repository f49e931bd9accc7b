"""Nearest rows of bits by Jaccard distance, exactly, by counting common bits word by word.

30,000 fingerprints of 2048 bits take 7 s of one core, a tenth of what matrix products take: a pair
costs 32 machine words, and is passed over where the numbers of ones alone say that it is too far.
Compiled by numba, which UMAP needs anyway, at the first call.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import intrinsic

from napari_tide.imaging.reading_threads import n_usable_cores

_BITS_PER_WORD = 64
_ROWS_PER_JOB = 512


def nearest_by_jaccard(
    bits: npt.NDArray[np.generic], n_neighbours: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Give each row's nearest rows and their distances; the row itself comes first.

    Of rows equally far the earlier come first. Two rows without a bit are at no distance.
    """
    n_rows, n_bits = bits.shape
    padded = np.zeros((n_rows, -(-n_bits // _BITS_PER_WORD) * _BITS_PER_WORD), np.bool_)
    padded[:, :n_bits] = bits != 0
    words = np.packbits(padded, axis=1).view(np.uint64)
    n_set = padded.sum(axis=1).astype(np.int64)
    indices = np.empty((n_rows, n_neighbours), np.int64)
    distances = np.empty((n_rows, n_neighbours), np.float64)

    def find(first: int) -> None:
        last = min(first + _ROWS_PER_JOB, n_rows)
        _nearest(words, n_set, first, last, indices, distances)

    with ThreadPoolExecutor(n_usable_cores()) as threads:
        list(threads.map(find, range(0, n_rows, _ROWS_PER_JOB)))
    return indices, np.maximum(distances, 0).astype(np.float32)


@intrinsic  # type: ignore[untyped-decorator, unused-ignore]
def _n_ones(_context: Any, _word: Any) -> Any:  # noqa: ANN401 - types are numba's own
    """Count a word's ones by the processor's instruction."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _nearest(
    words: npt.NDArray[np.uint64],
    n_set: npt.NDArray[np.int64],
    first: int,
    last: int,
    indices: npt.NDArray[np.int64],
    distances: npt.NDArray[np.float64],
) -> None:
    k = indices.shape[1]
    for i in range(first, last):
        indices[i, 0], distances[i, 0] = i, -1.0
        n_found = 1
        for j in range(words.shape[0]):
            worst = distances[i, k - 1] if n_found == k else 2.0
            fewer, more = min(n_set[i], n_set[j]), max(n_set[i], n_set[j])
            if j == i or (more > 0 and 1.0 - fewer / more >= worst):
                continue
            common = 0
            for word in range(words.shape[1]):
                common += _n_ones(words[i, word] & words[j, word])  # type: ignore[call-arg, unused-ignore]
            union = n_set[i] + n_set[j] - common
            distance = 1.0 - common / union if union > 0 else 0.0
            if distance >= worst:
                continue
            place = min(n_found, k - 1)
            while place > 0 and distances[i, place - 1] > distance:
                distances[i, place] = distances[i, place - 1]
                indices[i, place] = indices[i, place - 1]
                place -= 1
            indices[i, place], distances[i, place] = j, distance
            n_found = min(n_found + 1, k)
