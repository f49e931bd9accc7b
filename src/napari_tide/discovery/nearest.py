"""Nearest rows by cosine, exactly: blocks of matrix products, and few values looked at twice.

Shapes: Q queries, R references, D features, k neighbours, B queries of a block, G groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ProfileValueError

_BLOCK_VALUES = 4_000_000  # 16 MB of cosines, which the processor's cache nearly holds
_GROUP = 32

Floats = npt.NDArray[np.floating]


def nearest_by_cosine(
    queries_QD: Floats, references_RD: Floats, k: int, *, is_absolute: bool = False
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Give each query's `k` nearest references and their cosines, the highest first.

    Parameters
    ----------
    queries_QD, references_RD
        Rows of any length; a row of zeros has cosine zero with everything.
    k
        How many; all of them where there are fewer.
    is_absolute
        Order by the size of the cosine, so that opposite rows come first too; the signed cosine
        is given.

    Raises
    ------
    ProfileValueError
        The two differ in their number of features, or hold values that are not finite.
    """
    if queries_QD.shape[1] != references_RD.shape[1]:
        message = (
            f"profiles of {queries_QD.shape[1]} features cannot be compared with others of "
            f"{references_RD.shape[1]}; give profiles of one student"
        )
        raise ProfileValueError(message)
    units_QD, units_RD = unit_rows(queries_QD), unit_rows(references_RD)
    n_queries, n_references = len(units_QD), len(units_RD)
    k = max(0, min(k, n_references))
    indices = np.empty((n_queries, k), np.int64)
    cosines = np.empty((n_queries, k), np.float32)
    if k == 0:
        return indices, cosines
    n_rows = max(1, _BLOCK_VALUES // n_references)
    scores = np.empty((min(n_rows, n_queries), n_references), np.float32)
    for first in range(0, n_queries, n_rows):
        block = units_QD[first : first + n_rows]
        scores_BR = np.matmul(block, units_RD.T, out=scores[: len(block)])
        found = slice(first, first + len(block))
        indices[found], cosines[found] = _best(scores_BR, k, is_absolute=is_absolute)
    return indices, cosines


def unit_rows(rows_ND: Floats) -> npt.NDArray[np.float32]:
    """Scale rows to length one; rows of zeros stay.

    Raises
    ------
    ProfileValueError
        A value is missing or infinite.
    """
    norms = np.linalg.norm(rows_ND.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        wrong = int((~np.isfinite(norms)).sum())
        message = (
            f"{wrong} profiles hold missing or infinite values; clean them with tide align --clean"
        )
        raise ProfileValueError(message)
    units: npt.NDArray[np.float32] = (rows_ND / np.where(norms > 0, norms, 1)).astype(np.float32)
    return units


def _best(
    scores_BR: npt.NDArray[np.float32], k: int, *, is_absolute: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Find the k best of every row.

    The k best lie in the k groups whose best is highest, so all but those need one look each: the
    maximum of a group costs a fraction of selecting among all.
    """
    ranked_BR = np.abs(scores_BR) if is_absolute else scores_BR
    n_groups = scores_BR.shape[1] // _GROUP
    if n_groups <= 2 * k:
        columns = np.argpartition(-ranked_BR, k - 1, axis=1)[:, :k]
        return _in_order(scores_BR, ranked_BR, columns)
    n_grouped = n_groups * _GROUP  # group g holds columns g, g + G, g + 2 G ...
    tops_BG = ranked_BR[:, :n_grouped].reshape(-1, _GROUP, n_groups).max(axis=1)
    groups = np.argpartition(-tops_BG, k - 1, axis=1)[:, :k]
    members = (groups[:, :, None] + n_groups * np.arange(_GROUP)).reshape(len(groups), -1)
    rest = np.arange(n_grouped, scores_BR.shape[1])
    members = np.concatenate([members, np.broadcast_to(rest, (len(groups), len(rest)))], axis=1)
    found = np.take_along_axis(ranked_BR, members, axis=1)
    best = np.argpartition(-found, k - 1, axis=1)[:, :k]
    return _in_order(scores_BR, ranked_BR, np.take_along_axis(members, best, axis=1))


def _in_order(
    scores_BR: npt.NDArray[np.float32],
    ranked_BR: npt.NDArray[np.float32],
    columns: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    columns = np.sort(columns, axis=1)  # of equal cosines the earlier reference comes first
    found = np.take_along_axis(ranked_BR, columns, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    indices = np.take_along_axis(columns, order, axis=1)
    return indices, np.take_along_axis(scores_BR, indices, axis=1)
