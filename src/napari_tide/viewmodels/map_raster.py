"""Hundreds of thousands of points as one picture, by NumPy alone.

Where points overlap the one drawn last wins, as if each were painted as a small disc in turn. Only
the middles are painted point by point; the discs grow out of them on the picture, whose size does
not depend on the number of points.

Shapes: N points, H x W pixels.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float32]
Colours = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class View:
    """The part of a map on show: its left, lower, right and upper edge, and its size in pixels."""

    left: float
    low: float
    right: float
    high: float
    width_px: int
    height_px: int


@dataclass(frozen=True, eq=False)
class PointPainting:
    """Points in the order they are painted, ready for any view.

    Parameters
    ----------
    places_N2
        Points without a place (NaN) are left out.
    rgba_N4
        The colour of each.
    radius_px
        Of the disc that stands for a point; 0 is a single pixel.
    """

    places_N2: Places
    rgba_N4: Colours
    radius_px: int = 2

    def paint(self, view: View) -> Picture:
        """Paint the part on show as H x W x 4, its upper edge first; the ground is transparent."""
        height, width = view.height_px, view.width_px
        x_N, y_N = self._axes
        columns_N = (x_N - np.float32(view.left)) * np.float32(width / (view.right - view.left))
        rows_N = (y_N - np.float32(view.high)) * np.float32(height / (view.low - view.high))
        shown_N = (columns_N >= 0) & (columns_N < width) & (rows_N >= 0) & (rows_N < height)
        order = np.flatnonzero(shown_N).astype(np.int32)
        pixels = rows_N[order].astype(np.int32) * width + columns_N[order].astype(np.int32)
        last = np.zeros((height, width), dtype=np.int32)  # 0 none, else 1 + the place in the order
        last.ravel()[pixels] = order + 1  # of equal pixels the last assignment stays
        colours = self._colours_with_ground
        return colours[_grown(last, self.radius_px)].view(np.uint8).reshape(height, width, 4)

    @functools.cached_property
    def _axes(self) -> Places:
        return np.ascontiguousarray(self.places_N2.T, dtype=np.float32)

    @functools.cached_property
    def _colours_with_ground(self) -> npt.NDArray[np.uint32]:
        colours = np.zeros(len(self.places_N2) + 1, dtype=np.uint32)
        colours[1:] = np.ascontiguousarray(self.rgba_N4).view(np.uint32).ravel()
        return colours


def disc_offsets(radius_px: int) -> Iterator[tuple[int, int]]:
    """List the pixels of a disc around its middle."""
    span = range(-radius_px, radius_px + 1)
    reach = (radius_px + 0.25) ** 2
    return ((down, right) for down in span for right in span if down**2 + right**2 <= reach)


def _grown(last_HW: npt.NDArray[np.int32], radius_px: int) -> npt.NDArray[np.int32]:
    """Let every pixel take the last point whose disc covers it."""
    height, width = last_HW.shape
    padded = np.pad(last_HW, radius_px)
    grown = np.zeros_like(last_HW)
    for down, right in disc_offsets(radius_px):
        top, left = radius_px + down, radius_px + right
        np.maximum(grown, padded[top : top + height, left : left + width], out=grown)
    return grown
