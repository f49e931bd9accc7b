"""The point under the pointer, and the next one in a direction, among hundreds of thousands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from napari_tide.viewmodels.lasso import Mask

REACH_PX = 10.0
_N_CANDIDATES = 8


class PointFinder:
    """Finds points that are on show; the tree of the others is never built."""

    def __init__(self, places_N2: npt.NDArray[np.floating], visible_N: Mask) -> None:
        self._points = np.flatnonzero(visible_N)
        self._places = np.asarray(places_N2[self._points], dtype=np.float64)
        self._tree: cKDTree | None = None

    def nearest(
        self, place: tuple[float, float], *, unit_per_px: tuple[float, float]
    ) -> int | None:
        """Give the point nearest on the screen, within 10 pixels.

        The map may be stretched, so that the nearest in its own units is not the nearest to the
        eye: a few candidates are compared in pixels.
        """
        if len(self._points) == 0:
            return None
        if self._tree is None:
            self._tree = cKDTree(self._places, balanced_tree=False)
        n_candidates = min(_N_CANDIDATES, len(self._points))
        _, found = self._tree.query(place, k=n_candidates)
        candidates = np.atleast_1d(found)
        away = (self._places[candidates] - place) / unit_per_px
        distances = np.hypot(*away.T)
        best = int(distances.argmin())
        return int(self._points[candidates[best]]) if distances[best] <= REACH_PX else None

    def neighbour(self, here: int | None, *, right: int = 0, up: int = 0) -> int | None:
        """Give the nearest point within 45 degrees of a direction; from nowhere, the middle one."""
        if len(self._points) == 0:
            return None
        at = np.flatnonzero(self._points == here) if here is not None else self._points[:0]
        if len(at) == 0:
            middle = np.median(self._places, axis=0)
            return int(self._points[np.hypot(*(self._places - middle).T).argmin()])
        away = self._places - self._places[at[0]]
        along, across = away @ (right, up), away @ (up, right)
        ahead = np.flatnonzero((along > 0) & (np.abs(across) <= along))
        if len(ahead) == 0:
            return here
        return int(self._points[ahead[np.hypot(*away[ahead].T).argmin()]])
