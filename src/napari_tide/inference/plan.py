"""What a run will do, decided before it starts: chunks of sites, settings, and their fingerprint.

A chunk is a few consecutive sites whose tiles fill one batch. Its boundaries depend on the screen
and the settings alone, never on what was resumed or on which machine works, so a site's embedding
is the same however the run went.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from napari_tide.errors import ScreenValueError, StudentValueError, TideError
from napari_tide.imaging.planes import plane_shape
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation
from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.inference.cells import CELL_CROP_UM, CellCutting
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.nuclei import DEFAULT_PIXEL_UM
from napari_tide.inference.screen_fields import fields_of, preparation_for
from napari_tide.screens.screen import Screen
from napari_tide.students.bundle import Bundle

_NUCLEI = "DNA"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows ``start`` to ``stop`` of the screen's table, embedded together."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class ProfilePlan:
    """Everything a worker needs but the student itself."""

    fields: Sequence[FieldFiles]
    chunks: Sequence[Chunk]
    preparation: FieldPreparation
    identity: str
    cells: CellCutting | None = None

    def fields_in(self, chunk: Chunk) -> Sequence[FieldFiles]:
        """Give a chunk's fields."""
        return self.fields[chunk.start : chunk.stop]


def make_plan(
    screen: Screen, bundle: Bundle, embedder: Embedder, *, by_cell: bool = False
) -> ProfilePlan:
    """Decide the chunks and settings of a run.

    Parameters
    ----------
    by_cell
        Embed a crop around every nucleus instead of tiles; a chunk is then one site.

    Raises
    ------
    StudentValueError
        The student does not fit the screen.
    ScreenValueError
        No site can be read, or cells are wanted of a screen without a DNA channel.
    """
    if bundle.config.student.encoder.kind == "features":
        message = (
            f"student {bundle.config.name} reads profile tables, not images; give it one with "
            "tide profile TABLE"
        )
        raise StudentValueError(message)
    preparation = preparation_for(screen, bundle.config)
    fields = fields_of(screen)
    per_chunk = max(embedder.batch_tiles // tiles_per_field(fields, preparation), 1)
    cells = cell_cutting(screen) if by_cell else None
    if cells is not None:
        per_chunk = 1
    chunks = [
        Chunk(number, start, min(start + per_chunk, len(fields)))
        for number, start in enumerate(range(0, len(fields), per_chunk))
    ]
    settings = {
        "student": bundle.id,
        "fields": [[files.name, *map(str, files.planes.values())] for files in fields],
        "channels": preparation.channels,
        "ranges": preparation.ranges.to_json(),
        "grid": [preparation.tile_px, preparation.stride_px, preparation.edge],
        "cells": None if cells is None else asdict(cells),
        "sites_per_chunk": per_chunk,
        "batch": embedder.batch_tiles,
        "precision": embedder.precision,
    }
    identity = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
    return ProfilePlan(fields, chunks, preparation, identity, cells)


def cell_cutting(screen: Screen) -> CellCutting:
    """Decide how cells of a screen are found and cut.

    Raises
    ------
    ScreenValueError
        The screen has no DNA channel.
    """
    if _NUCLEI not in screen.channel_names:
        message = (
            f"cells are found by their nuclei, but {screen.source} has no {_NUCLEI} channel, only "
            f"{screen.channel_names}; say which it is, for example --channels ch5=DNA"
        )
        raise ScreenValueError(message)
    crop_px = round(CELL_CROP_UM / (screen.pixel_size_um or DEFAULT_PIXEL_UM))
    return CellCutting(_NUCLEI, max(crop_px, 16), screen.pixel_size_um)


def tiles_per_field(fields: Sequence[FieldFiles], preparation: FieldPreparation) -> int:
    """Count the tiles of the first field that can be read.

    Raises
    ------
    ScreenValueError
        No field can be read.
    """
    for files in fields:
        for address in files.planes.values():
            try:
                shape = plane_shape(address)
                grid = TileGrid(shape, preparation.tile_px, preparation.stride_px, preparation.edge)
            except TideError:
                continue
            return grid.n_tiles
    message = (
        f"no site could be read ({len(fields)} tried, the first is {fields[0].name}), so there is "
        "nothing to profile; check the images with tide inspect"
    )
    raise ScreenValueError(message)
