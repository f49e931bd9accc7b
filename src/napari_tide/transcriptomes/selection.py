"""Which samples or genes a slice asks for, as positions in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ExpressionValueError

Positions: TypeAlias = npt.NDArray[np.int64]
Selection: TypeAlias = (
    slice | Sequence[int] | Sequence[str] | npt.NDArray[np.generic] | pd.Series | pd.Index
)


def positions_of(
    wanted: Selection | None, ids: pd.Index, *, what: str, symbols: pd.Series | None = None
) -> Positions:
    """Find what a slice asks for, in the order it asks.

    Parameters
    ----------
    wanted
        Positions, ids, one true or false per row, a slice, or None for all. A gene may be named by
        its symbol where no gene has that id.
    ids
        The ids in the file's order.
    what
        ``"sample"`` or ``"gene"``, for messages.
    symbols
        The genes' symbols, in the file's order.

    Raises
    ------
    ExpressionValueError
        Something is asked for that is not there.
    """
    if wanted is None:
        return np.arange(len(ids))
    if isinstance(wanted, slice):
        return np.arange(len(ids))[wanted]
    if isinstance(wanted, str):
        message = f"{wanted!r} is one {what}; ask for a list, [{wanted!r}]"
        raise ExpressionValueError(message)
    asked = np.asarray(wanted)
    if asked.ndim != 1:
        message = f"a choice of {what}s has one dimension, not {asked.ndim}"
        raise ExpressionValueError(message)
    if not asked.size:
        return np.empty(0, dtype=np.int64)
    if pd.api.types.infer_dtype(asked, skipna=True) == "boolean":
        return _where_true(asked, len(ids), what)
    if np.issubdtype(asked.dtype, np.integer):
        return _checked_positions(asked.astype(np.int64), len(ids), what)
    return _positions_of_names([str(name) for name in asked], ids, what, symbols)


def in_file_order(positions: Positions) -> Positions:
    """Sort positions and drop repeats."""
    return np.unique(positions)


def _where_true(mask: npt.NDArray[np.generic], n: int, what: str) -> Positions:
    if len(mask) != n:
        message = f"a mask of {len(mask)} values does not fit {n} {what}s; give one value for each"
        raise ExpressionValueError(message)
    # a missing value is not true
    return np.flatnonzero(np.where(pd.isna(mask), np.False_, mask).astype(bool))


def _checked_positions(positions: Positions, n: int, what: str) -> Positions:
    outside = positions[(positions < 0) | (positions >= n)]
    if outside.size:
        message = f"there is no {what} at position {outside[0]}; the file has {n}, counted from 0"
        raise ExpressionValueError(message)
    return positions


def _positions_of_names(
    names: list[str], ids: pd.Index, what: str, symbols: pd.Series | None
) -> Positions:
    found = ids.get_indexer(pd.Index(names))
    for row in np.flatnonzero(found < 0):
        found[row] = _position_by_symbol(names[row], ids, what, symbols)
    return found.astype(np.int64)


def _position_by_symbol(name: str, ids: pd.Index, what: str, symbols: pd.Series | None) -> int:
    same = np.flatnonzero(symbols == name) if symbols is not None else np.empty(0, dtype=np.int64)
    if same.size == 1:
        return int(same[0])
    if same.size:
        message = f"gene symbol {name!r} stands for {list(ids[same])}; ask by gene id instead"
        raise ExpressionValueError(message)
    some = list(ids[:5] if symbols is None else symbols[:5])
    message = f"there is no {what} {name!r} in the file. Available: {some} and others"
    raise ExpressionValueError(message)
