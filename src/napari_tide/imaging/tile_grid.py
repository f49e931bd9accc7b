"""Where the tiles of a field lie, and back from tiles to pixels and micrometres.

Pixels are counted from the top left corner; a pixel box covers ``top <= y < top + height``.
Lengths in micrometres measure from the outer corner of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ImagingValueError

EdgePolicy = Literal["shift", "drop", "pad"]
_POLICIES = ("shift", "drop", "pad")


@dataclass(frozen=True, slots=True)
class PixelBox:
    """A rectangle of a field; its borders may fall inside pixels (patches of a resized tile)."""

    top: float
    left: float
    height: float
    width: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, as (y, x) distances from the field's corner, in pixels."""
        return self.top + self.height / 2, self.left + self.width / 2

    def scaled(self, factor: float) -> PixelBox:
        """Give the box in another unit, such as micrometres for `factor` = pixel size."""
        values = (self.top, self.left, self.height, self.width)
        top, left, height, width = (factor * value for value in values)
        return PixelBox(top, left, height, width)


@dataclass(frozen=True, slots=True)
class TileGrid:
    """A regular grid of square tiles over a field.

    Parameters
    ----------
    field_shape
        Height and width of the field in pixels.
    tile_px
        Side of a tile in field pixels.
    stride_px
        Step from tile to tile; by default the tile's side, so that tiles touch.
    edge
        What becomes of the remainder where tiles do not fill the field. Tiles of 300 px on a
        row of 1080 px: ``"shift"`` (the default) moves the last tile inwards, 0, 300, 600, 780;
        ``"drop"`` leaves the last 180 px unseen, 0, 300, 600; ``"pad"`` lets the last tile reach
        over the border, 0, 300, 600, 900, and what lies outside is black.
    output_px
        Side of a tile as the encoder sees it.
    """

    field_shape: tuple[int, int]
    tile_px: int
    stride_px: int | None = None
    edge: EdgePolicy = "shift"
    output_px: int = 224
    tops: tuple[int, ...] = field(init=False, repr=False)
    lefts: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Place the tiles, refusing settings that leave none or leave gaps."""
        if self.stride_px is None:
            object.__setattr__(self, "stride_px", self.tile_px)
        self._check()
        height, width = self.field_shape
        object.__setattr__(self, "tops", self._starts(height))
        object.__setattr__(self, "lefts", self._starts(width))

    @property
    def n_rows(self) -> int:
        """Tiles from top to bottom."""
        return len(self.tops)

    @property
    def n_columns(self) -> int:
        """Tiles from left to right."""
        return len(self.lefts)

    @property
    def n_tiles(self) -> int:
        """Tiles of the field; they are numbered row by row."""
        return self.n_rows * self.n_columns

    def position(self, tile: int) -> tuple[int, int]:
        """Give the row and column of a tile by its number."""
        if not 0 <= tile < self.n_tiles:
            message = f"no tile {tile}; this grid has {self.n_tiles}, counted from 0"
            raise ImagingValueError(message)
        return divmod(tile, self.n_columns)

    def tile_box(self, row: int, column: int) -> PixelBox:
        """Give the pixels a tile covers; with ``edge="pad"`` some may lie outside the field."""
        if not (0 <= row < self.n_rows and 0 <= column < self.n_columns):
            message = f"no tile ({row}, {column}); the grid is {self.n_rows} x {self.n_columns}"
            raise ImagingValueError(message)
        return PixelBox(self.tops[row], self.lefts[column], self.tile_px, self.tile_px)

    def tile_box_um(self, row: int, column: int, *, pixel_size_um: float) -> PixelBox:
        """Give the area a tile covers in micrometres."""
        return self.tile_box(row, column).scaled(pixel_size_um)

    def patch_box(self, tile: int, patch: tuple[int, int], *, patch_px: int = 16) -> PixelBox:
        """Give the field pixels behind one patch (row, column) of a resized tile."""
        box = self.tile_box(*self.position(tile))
        side = patch_px * self.tile_px / self.output_px
        return PixelBox(box.top + patch[0] * side, box.left + patch[1] * side, side, side)

    def tile_at(self, y: float, x: float) -> tuple[int, int] | None:
        """Find the tile under a point of the field; where tiles overlap, the one centred nearest.

        Outside every tile there is none.
        """
        row = _nearest_cover(self.tops, self.tile_px, y)
        column = _nearest_cover(self.lefts, self.tile_px, x)
        inside = 0 <= y < self.field_shape[0] and 0 <= x < self.field_shape[1]
        return (row, column) if inside and row is not None and column is not None else None

    def output_to_field(self, tile: int, point: tuple[float, float]) -> tuple[float, float]:
        """Map a point (y, x) of a resized tile to the field."""
        box = self.tile_box(*self.position(tile))
        ratio = self.tile_px / self.output_px
        return box.top + point[0] * ratio, box.left + point[1] * ratio

    def spread(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Paint a value per tile, or per patch, over the field's pixels.

        Parameters
        ----------
        values
            One value per tile (n_tiles,) or a map of patches per tile (n_tiles, p, p).

        Returns
        -------
        ndarray
            The field's shape: the mean of the tiles over each pixel, NaN where there is none.
        """
        patches = values.reshape(self.n_tiles, *(values.shape[1:] or (1, 1)))
        within = (np.arange(self.tile_px) * patches.shape[1]) // self.tile_px
        # values are even between the borders of patches: one number each, then pixels at the end
        ys, xs = (
            _borders(starts, within, length)
            for starts, length in zip((self.tops, self.lefts), self.field_shape, strict=True)
        )
        total = np.zeros((len(ys) - 1, len(xs) - 1), np.float32)
        count = np.zeros_like(total)
        for tile, patch_map in enumerate(patches):
            row, column = divmod(tile, self.n_columns)
            y, x = (
                slice(*np.searchsorted(borders, (start, start + self.tile_px)))
                for borders, start in ((ys, self.tops[row]), (xs, self.lefts[column]))
            )
            patch_rows = within[ys[:-1][y] - self.tops[row]]
            patch_columns = within[xs[:-1][x] - self.lefts[column]]
            total[y, x] += patch_map[np.ix_(patch_rows, patch_columns)]
            count[y, x] += 1
        means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        return np.repeat(np.repeat(means, np.diff(ys), axis=0), np.diff(xs), axis=1)

    def _check(self) -> None:
        height, width = self.field_shape
        assert self.stride_px is not None
        if self.edge not in _POLICIES:
            message = f"edge policy {self.edge!r} is unknown; expected one of {list(_POLICIES)}"
            raise ImagingValueError(message)
        if min(height, width, self.tile_px, self.stride_px, self.output_px) < 1:
            message = (
                f"tiles of {self.tile_px} px every {self.stride_px} px, resized to "
                f"{self.output_px} px, over {self.field_shape}; expected whole numbers from 1"
            )
            raise ImagingValueError(message)
        if self.stride_px > self.tile_px:
            message = (
                f"a stride of {self.stride_px} px leaves gaps between tiles of {self.tile_px} px; "
                "choose a stride no larger than the tile"
            )
            raise ImagingValueError(message)
        if self.tile_px > min(height, width) and self.edge != "pad":
            message = (
                f"tiles of {self.tile_px} px do not fit a field of {height} x {width} px; "
                "choose smaller tiles, or pad them in a pack: tide pack SCREEN --edge pad"
            )
            raise ImagingValueError(message)

    def _starts(self, length: int) -> tuple[int, ...]:
        assert self.stride_px is not None
        room = max(length - self.tile_px, 0)
        starts = list(range(0, room + 1, self.stride_px))
        if starts[-1] + self.tile_px < length:
            if self.edge == "shift":
                starts.append(room)
            elif self.edge == "pad":
                starts.append(starts[-1] + self.stride_px)
        return tuple(starts)


def _nearest_cover(starts: tuple[int, ...], length: int, point: float) -> int | None:
    covering = [i for i, start in enumerate(starts) if start <= point < start + length]
    return min(covering, key=lambda i: abs(starts[i] + length / 2 - point), default=None)


def _borders(
    starts: tuple[int, ...], within: npt.NDArray[np.integer], length: int
) -> npt.NDArray[np.integer]:
    """List where a patch of any tile begins or ends along one side of the field."""
    steps = np.flatnonzero(np.diff(within, prepend=-1, append=-1))
    borders = np.unique(np.add.outer(np.array(starts), steps))
    return np.unique(np.concatenate([[0], borders[borders < length], [length]]))
