"""Points inside a line drawn by hand, and what becomes of the selection.

Shapes: N points, M corners of the line.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

LassoMode = Literal["replace", "add", "subtract"]

Mask = npt.NDArray[np.bool_]


def inside_polygon(
    places_N2: npt.NDArray[np.floating], corners_M2: npt.NDArray[np.floating]
) -> Mask:
    """Tell which points lie inside a closed line, by the even-odd rule.

    A ray to the left crosses the line an odd number of times. Points are sorted by height once, so
    that each edge meets only those at its own heights: 100,000 points and 200 corners take
    milliseconds. Points without a place (NaN) are outside, as is all for fewer than three corners.
    """
    inside_N = np.zeros(len(places_N2), dtype=bool)
    if len(corners_M2) < 3:
        return inside_N
    corners_M2 = np.asarray(corners_M2, dtype=np.float64)
    low, high = corners_M2.min(axis=0), corners_M2.max(axis=0)
    boxed = np.flatnonzero(((places_N2 >= low) & (places_N2 <= high)).all(axis=1))
    boxed = boxed[np.argsort(places_N2[boxed, 1], kind="stable")]
    x, y = places_N2[boxed].astype(np.float64).T
    is_odd = np.zeros(len(boxed), dtype=bool)
    ends_M2 = np.roll(corners_M2, -1, axis=0)
    bottoms = np.searchsorted(y, np.minimum(corners_M2[:, 1], ends_M2[:, 1]))
    tops = np.searchsorted(y, np.maximum(corners_M2[:, 1], ends_M2[:, 1]))
    for (x1, y1), (x2, y2), bottom, top in zip(corners_M2, ends_M2, bottoms, tops, strict=True):
        if bottom < top:
            crossing = x1 + (y[bottom:top] - y1) * ((x2 - x1) / (y2 - y1))
            is_odd[bottom:top] ^= x[bottom:top] > crossing
    inside_N[boxed] = is_odd
    return inside_N


def lassoed(selected_N: Mask, inside_N: Mask, *, visible_N: Mask, mode: LassoMode) -> Mask:
    """Give the selection after a lasso; points that are not on show are never touched by it.

    A line around nothing leaves the selection as it is: nothing small is lost by a slip.
    """
    caught_N = inside_N & visible_N
    if not caught_N.any():
        return selected_N
    if mode == "add":
        return selected_N | caught_N
    if mode == "subtract":
        return selected_N & ~caught_N
    return caught_N
