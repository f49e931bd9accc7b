"""Open a screen as a user means it: images, plate map, compound metadata, controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from napari_tide.screens.annotation_table import AnnotationTable, read_annotation_table
from napari_tide.screens.barcode_table import (
    barcode_table_of,
    is_barcode_table,
    join_barcode_table,
)
from napari_tide.screens.compound_metadata import join_metadata
from napari_tide.screens.controls import recognise_controls
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.plate_map import join_plate_map, plate_map_of
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.sample_molecules import clean_doses, clean_structures
from napari_tide.screens.screen import Screen


def open_screen(
    source: Path,
    *,
    plate_map: Path | None = None,
    metadata: Sequence[Path] = (),
    options: ReadOptions | None = None,
) -> Screen:
    """Read a screen in any supported format and say what is in its wells.

    Parameters
    ----------
    source
        A folder or file that a reader knows.
    plate_map
        A plate map, or a barcode table beside the maps it names.
    metadata
        Tables of wells, samples, compounds, genes or plates, joined in this order by the first key
        they share with the screen.
    options
        What the source does not say itself.

    Raises
    ------
    ScreenMissingError
        A file is not there.
    ScreenFormatError
        The source, plate map or a metadata table is not what it should be, or none of its wells
        are in the screen.
    PathEscapeError
        The source names files outside its folder, and `options` do not allow it.
    """
    screen = read_screen(source, options or ReadOptions())
    return annotate_screen(screen, plate_map=plate_map, metadata=metadata)


def annotate_screen(
    screen: Screen, *, plate_map: Path | None = None, metadata: Sequence[Path] = ()
) -> Screen:
    """Join a plate map and metadata onto a screen, clean doses and SMILES, recognise controls.

    What the plate map says replaces what the screen said before; metadata only fill gaps.
    """
    assert screen.plate_format is not None
    sites, warnings = screen.sites, []
    previous_smiles = sites["smiles"]
    if plate_map is not None:
        table = read_annotation_table(plate_map)
        sites, told = _join_maps(sites, table, screen.plate_format)
        warnings += told
    for path in metadata:
        sites, told = _join_any(sites, read_annotation_table(path), screen.plate_format)
        warnings += told
    sites, from_doses = clean_doses(sites, source=screen.source)
    sites, from_structures = clean_structures(sites, previous=previous_smiles)
    sites, from_controls = recognise_controls(sites)
    return screen.with_sites(
        sites, warnings=[*warnings, *from_doses, *from_structures, *from_controls]
    )


def _join_maps(
    sites: pd.DataFrame, table: AnnotationTable, plate_format: PlateFormat
) -> tuple[pd.DataFrame, list[str]]:
    if is_barcode_table(table):
        return join_barcode_table(sites, barcode_table_of(table), plate_format=plate_format)
    return join_plate_map(sites, plate_map_of(table), plate_format=plate_format)


def _join_any(
    sites: pd.DataFrame, table: AnnotationTable, plate_format: PlateFormat
) -> tuple[pd.DataFrame, list[str]]:
    if table.has("well"):
        return join_plate_map(sites, plate_map_of(table), plate_format=plate_format, override=False)
    return join_metadata(sites, table)
