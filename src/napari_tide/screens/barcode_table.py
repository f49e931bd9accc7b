"""Barcode tables: which plate was made after which plate map, as in JUMP's ``barcode_platemap``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import AnnotationTable
from napari_tide.screens.fill_columns import fill_columns
from napari_tide.screens.map_plates import match_plates
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.plate_map import join_plate_map, read_plate_map
from napari_tide.screens.wording import counted, some

_FOLDERS = (".", "platemap", "platemaps")
_ENDINGS = ("", ".txt", ".tsv", ".csv", ".txt.gz", ".tsv.gz", ".csv.gz")


@dataclass(frozen=True, slots=True, eq=False)
class BarcodeTable:
    """A row per plate: its barcode, the name of its map, and what else is said of the plate."""

    path: Path
    plates: pd.DataFrame


def is_barcode_table(table: AnnotationTable) -> bool:
    """Tell a barcode table from a plate map: it names plates and maps, but no wells."""
    return table.has("plate", "plate_map") and not table.has("well")


def barcode_table_of(table: AnnotationTable) -> BarcodeTable:
    """Take a table for a barcode table, once it is sure that it names each plate once."""
    repeated = table.rows["plate"].duplicated()
    if repeated.any():
        message = (
            f"{table.path} gives plate {table.rows['plate'][repeated].iloc[0]} more than one map; "
            "keep one row per plate"
        )
        raise ScreenFormatError(message)
    return BarcodeTable(table.path, table.rows)


def find_map_file(name: str, folder: Path) -> Path | None:
    """Find the map a barcode table names: beside it, or in its ``platemap`` folder.

    Raises
    ------
    ScreenFormatError
        The name is a path, and would lead out of the folder.
    """
    if name != Path(name.replace("\\", "/")).name or name in {"", ".", ".."} or "\0" in name:
        message = f"{name!r} in {folder} is no plate map's name; expected a file name, no path"
        raise ScreenFormatError(message)
    candidates = (folder / inside / f"{name}{end}" for inside in _FOLDERS for end in _ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def join_barcode_table(
    sites: pd.DataFrame, barcodes: BarcodeTable, *, plate_format: PlateFormat
) -> tuple[pd.DataFrame, list[str]]:
    """Join each plate's own map, found by its name beside the barcode table.

    Returns
    -------
    sites
        The same rows in the same order, with the columns of the maps and of the barcode table.
    warnings
        Plates the table does not have, and maps that have no file (JUMP's ``control`` has none).

    Raises
    ------
    ScreenFormatError
        The table has none of the screen's plates, or a map does not fit its plate.
    """
    screen_plates = list(sites["plate"].unique())
    matched = match_plates(screen_plates, barcodes.plates["plate"])
    if not matched:
        message = (
            f"{barcodes.path} has none of the screen's plates: it has "
            f"{some(barcodes.plates['plate'])}, the screen has {some(screen_plates)}; "
            "give the barcode table of these plates"
        )
        raise ScreenFormatError(message)
    warnings = _unlisted([plate for plate in screen_plates if plate not in matched], barcodes.path)
    by_plate = barcodes.plates.set_index("plate")
    own = by_plate.reindex(sites["plate"].map(matched)).set_axis(sites.index)
    sites, _ = fill_columns(sites, own.where(own.notna(), ""), override=True)
    for name, plates in _plates_of_maps(matched, by_plate["plate_map"]).items():
        path = find_map_file(name, barcodes.path.parent) if name else None
        if path is None:
            warnings.append(_no_file(name, plates, barcodes.path))
            continue
        sites, told = _join_part(sites, plates, path, plate_format)
        warnings += told
    return sites, warnings


def _plates_of_maps(matched: dict[str, str], map_of: pd.Series) -> dict[str, list[str]]:
    plates: dict[str, list[str]] = {}
    for ours, theirs in matched.items():
        plates.setdefault(map_of[theirs], []).append(ours)
    return plates


def _join_part(
    sites: pd.DataFrame, plates: list[str], path: Path, plate_format: PlateFormat
) -> tuple[pd.DataFrame, list[str]]:
    here = sites["plate"].isin(plates)
    plate_map = read_plate_map(path)
    part, warnings = join_plate_map(sites[here], plate_map, plate_format=plate_format)
    told = [name for name in plate_map.wells if name not in {"plate", "well"}]
    joined, _ = fill_columns(sites, part[told].reindex(sites.index), override=True)
    return joined, warnings


def _unlisted(plates: list[str], path: Path) -> list[str]:
    if not plates:
        return []
    return [f"{path.name} has no plate {some(plates)} ({counted(len(plates), 'plate')})"]


def _no_file(name: str, plates: list[str], path: Path) -> str:
    which = f"plate map {name!r}" if name else "no plate map"
    return (
        f"{path.name} names {which} for {some(plates)} ({counted(len(plates), 'plate')}), and "
        "no such file is beside it; these wells stay without a treatment"
    )
