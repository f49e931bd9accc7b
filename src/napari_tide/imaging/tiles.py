"""From a field's grey values to the tiles an encoder sees.

A pixel becomes clip((x / illumination - low) / (high - low), 0, 1); tiles are then resized by area.
The division and the gain are one precomputed factor per pixel, so a plane is passed over three
times before the resize.
"""

# N tile, C channel, H and W of a tile, R tile row, K tile column

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.area_resize import AreaResize, FloatArray, Span
from napari_tide.imaging.illumination import IlluminationFunction
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.imaging.reading_threads import reading_threads
from napari_tide.imaging.scratch_arrays import scratch_array
from napari_tide.imaging.tile_grid import TileGrid

TileType = Literal["float32", "uint8"]
Tiles = npt.NDArray[np.float32] | npt.NDArray[np.uint8]

_BYTE_SCALE = 255


@dataclass(frozen=True, slots=True, eq=False)
class TileCutter:
    """Cuts planes of one shape into tiles, with everything that depends on the plate worked out.

    Build it with `for_grid`, once per plate.
    """

    grid: TileGrid
    tile_type: TileType
    resize: AreaResize
    gains: tuple[FloatArray | np.float32, ...]
    offsets: tuple[np.float32, ...]

    @classmethod
    def for_grid(
        cls,
        grid: TileGrid,
        ranges: Sequence[IntensityRange],
        *,
        illumination: Sequence[IlluminationFunction | None] | None = None,
        tile_type: TileType = "float32",
    ) -> TileCutter:
        """Prepare a cutter for channels with these ranges and illumination functions."""
        functions = illumination if illumination is not None else [None] * len(ranges)
        if len(functions) != len(ranges):
            message = f"{len(functions)} illumination functions for {len(ranges)} channels"
            raise ImagingValueError(message)
        side = grid.output_px
        spans = tuple(
            [Span(at, grid.tile_px) for at in starts] for starts in (grid.tops, grid.lefts)
        )
        scale = _BYTE_SCALE if tile_type == "uint8" else 1
        gains = tuple(
            _gain(scale * limits.gain, function, grid.field_shape)
            for limits, function in zip(ranges, functions, strict=True)
        )
        return cls(
            grid=grid,
            tile_type=tile_type,
            resize=AreaResize.plan(
                grid.field_shape, (spans[0], spans[1]), output_shape=(side, side)
            ),
            gains=gains,
            offsets=tuple(np.float32(scale * limits.gain * limits.low) for limits in ranges),
        )

    @property
    def n_channels(self) -> int:
        """How many channels it was prepared for."""
        return len(self.gains)

    def empty_tiles(self) -> Tiles:
        """Make an array (tile, channel, height, width) for `cut_plane` to fill."""
        side = self.grid.output_px
        shape = (self.grid.n_tiles, self.n_channels, side, side)
        if self.tile_type == "uint8":
            return np.empty(shape, np.uint8)
        return np.empty(shape, np.float32)

    def cut_plane(self, plane: npt.NDArray[np.generic], channel: int, *, tiles_NCHW: Tiles) -> None:
        """Fill one channel of `tiles_NCHW` from its plane; channels may be cut side by side."""
        if plane.shape != self.grid.field_shape:
            message = (
                f"a plane of {plane.shape} cannot be cut by a grid for {self.grid.field_shape}; "
                "make one grid per field size"
            )
            raise ImagingValueError(message)
        unit = scratch_array("unit range", plane.shape)
        np.multiply(plane, self.gains[channel], out=unit, casting="unsafe")
        unit -= self.offsets[channel]
        top = np.float32(_BYTE_SCALE if self.tile_type == "uint8" else 1)
        np.clip(unit, np.float32(0), top, out=unit)
        shape = (self.grid.n_rows, self.grid.n_columns, *tiles_NCHW.shape[1:])
        tiles_RKCHW = tiles_NCHW.reshape(shape)
        if tiles_RKCHW.dtype == np.uint8:
            resized = self.resize.apply(unit, scratch_array("tiles", tiles_RKCHW[:, :, 0].shape))
            tiles_RKCHW[:, :, channel] = np.rint(resized, out=resized)
        else:
            self.resize.apply(unit, tiles_RKCHW[:, :, channel])


def cut_tiles(
    field_CHW: npt.NDArray[np.generic],
    grid: TileGrid,
    *,
    ranges: Sequence[IntensityRange],
    illumination: Sequence[IlluminationFunction | None] | None = None,
    tile_type: TileType = "float32",
) -> Tiles:
    """Cut a field into tiles (tile, channel, height, width) in [0, 1], or 0 to 255 as bytes.

    For many fields of a plate, a `TileCutter` does the preparation once.

    Raises
    ------
    ImagingValueError
        The field does not match the grid or the number of ranges.
    """
    cutter = TileCutter.for_grid(grid, ranges, illumination=illumination, tile_type=tile_type)
    if field_CHW.ndim != 3 or len(field_CHW) != cutter.n_channels:
        message = (
            f"a field of shape {field_CHW.shape} does not have the {cutter.n_channels} channels "
            "that there are intensity ranges for; expected (channel, height, width)"
        )
        raise ImagingValueError(message)
    tiles_NCHW = cutter.empty_tiles()
    jobs = [
        reading_threads().submit(cutter.cut_plane, plane, channel, tiles_NCHW=tiles_NCHW)
        for channel, plane in enumerate(field_CHW)
    ]
    for job in jobs:
        job.result()
    return tiles_NCHW


def _gain(
    gain: float, function: IlluminationFunction | None, shape: tuple[int, int]
) -> FloatArray | np.float32:
    if function is None:
        return np.float32(gain)
    return np.float32(gain) / function.evaluate(shape)
