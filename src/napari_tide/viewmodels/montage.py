"""A picture of a whole plate: each well's first field as a small colour composite.

Made with NumPy alone, so that it works where there is neither a display nor Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import imagecodecs
import numpy as np

from napari_tide.errors import OutputWriteError
from napari_tide.imaging.composite import (
    Picture,
    Thumbnail,
    compose,
    display_limits,
    shrink_to_square,
)
from napari_tide.imaging.stain_colours import overlaid_channels
from napari_tide.screens.screen import Screen, Site
from napari_tide.screens.well import row_name
from napari_tide.viewmodels.field_planes import read_field
from napari_tide.viewmodels.pixel_font import draw_text

Thumbnails = Mapping[str, Thumbnail]

_PAPER = 24
_MISSING = 40
_INK = 210
_GAP_PX = 3
_MARGIN_PX = 30


def plate_montage(screen: Screen, plate: str, *, well_px: int = 96) -> Picture:
    """Compose the first field of every well in plate layout, as RGB.

    Limits are the same for all wells (the median of the wells' own), so brightness can be
    compared. Channels that cannot be read stay dark; wells that were not imaged stay grey.
    """
    wells = {}
    channels = overlaid_channels(screen.channel_names)
    limits: dict[str, list[tuple[float, float]]] = {name: [] for name in channels}
    chosen = screen.plate(plate)
    for well in chosen.wells:
        site = screen.site(plate, well, screen.site_numbers(plate, well)[0])
        wells[well] = _thumbnails(site, channels, well_px, limits)
    shared = {
        name: tuple(np.median(pairs, axis=0)) if pairs else (0.0, 1.0)
        for name, pairs in limits.items()
    }
    pitch = well_px + _GAP_PX
    height = _MARGIN_PX + chosen.format.rows * pitch
    width = _MARGIN_PX + chosen.format.columns * pitch
    canvas = np.full((height, width, 3), _PAPER, np.uint8)
    for well in chosen.format.wells():
        top, left = _MARGIN_PX + well.row * pitch, _MARGIN_PX + well.column * pitch
        box = canvas[top : top + well_px, left : left + well_px]
        box[:] = compose(wells[well], shared) if well in wells else _MISSING
    _draw_names(canvas, chosen.format.rows, chosen.format.columns, pitch, well_px)
    return canvas


def write_png(picture: Picture, path: Path) -> None:
    """Write an RGB picture, whole or not at all.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(picture)))
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()
        message = f"cannot write {path}: {error.strerror or error}; choose another --out"
        raise OutputWriteError(message) from error


def _thumbnails(
    site: Site, channels: list[str], size: int, limits: dict[str, list[tuple[float, float]]]
) -> Thumbnails:
    field = read_field(site, channels)
    for name, plane in field.planes.items():
        if name not in field.faults:
            limits[name].append(display_limits(plane))
    return {name: shrink_to_square(plane, size) for name, plane in field.planes.items()}


def _draw_names(canvas: Picture, rows: int, columns: int, pitch: int, well_px: int) -> None:
    scale = 2 if well_px >= 40 else 1
    for row in range(rows):
        middle = _MARGIN_PX + row * pitch + well_px // 2
        draw_text(canvas, row_name(row), (middle, _MARGIN_PX // 2), scale=scale, ink=_INK)
    for column in range(columns):
        middle = _MARGIN_PX + column * pitch + well_px // 2
        draw_text(canvas, str(column + 1), (_MARGIN_PX // 2, middle), scale=scale, ink=_INK)
