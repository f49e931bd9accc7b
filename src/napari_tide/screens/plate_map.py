"""Plate maps: which well holds what, joined onto the sites that were imaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import AnnotationTable, read_annotation_table
from napari_tide.screens.fill_columns import fill_columns
from napari_tide.screens.map_plates import match_plates, plate_spellings
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.well import Well
from napari_tide.screens.wording import counted, some

_TOLD = ("compound", "gene", "dose_um", "cell_line")


@dataclass(frozen=True, slots=True, eq=False)
class PlateMap:
    """A table with a row per well; without a plate column it holds for every plate.

    Parameters
    ----------
    path
        The file.
    wells
        ``well``, and perhaps ``plate`` and ``experiment``, beside what the wells hold.
    """

    path: Path
    wells: pd.DataFrame


def read_plate_map(path: Path) -> PlateMap:
    """Read a plate map.

    Raises
    ------
    ScreenMissingError
        The file is not there.
    ScreenFormatError
        The file is no table, names no well, or names one twice.
    """
    return plate_map_of(read_annotation_table(path))


def plate_map_of(table: AnnotationTable) -> PlateMap:
    """Take a table for a plate map, once it is sure that it names each well once."""
    if not table.has("well"):
        message = (
            f"{table.path} has no column of wells (well, well_position, or row and column); "
            f"it has {list(table.rows.columns)[:10]}"
        )
        raise ScreenFormatError(message)
    rows = table.rows
    if "metadata_site" in rows:  # a map with a row per site says the same for all sites of a well
        rows = rows.drop(columns="metadata_site").drop_duplicates(ignore_index=True)
    key = [name for name in ("experiment", "plate", "well") if name in rows]
    repeated = rows.duplicated(key, keep=False)
    if repeated.any():
        names = [" ".join(row) for row in rows.loc[repeated, key].drop_duplicates().to_numpy()]
        message = (
            f"{table.path} lists {counted(len(names), 'well')} more than once ({some(names)}); "
            "keep one row per well, or add a plate column"
        )
        raise ScreenFormatError(message)
    return PlateMap(table.path, rows)


def join_plate_map(
    sites: pd.DataFrame,
    plate_map: PlateMap,
    *,
    plate_format: PlateFormat,
    override: bool = True,
) -> tuple[pd.DataFrame, list[str]]:
    """Join a plate map onto a table of sites by plate and well.

    Parameters
    ----------
    sites
        A row per site, with ``plate`` and ``well``.
    plate_map
        What the wells hold.
    plate_format
        The grid of the plates; wells of the map outside it are left out, with a warning.
    override
        Let the map replace what the sites' own table says.

    Returns
    -------
    sites
        The same rows in the same order, with the map's columns.
    warnings
        Wells that the map and the images do not share, and values the map replaced.

    Raises
    ------
    ScreenFormatError
        The map and the screen have no plate, or no well, in common.
    """
    inside, warnings = _inside(plate_map, plate_format)
    plates = _map_plates(inside, list(sites["plate"].unique()), plate_map.path)
    if "plate" not in inside:
        inside = inside.merge(pd.DataFrame({"plate": list(plates)}), how="cross")
    place = _places(inside, plate_map.path)
    imaged = pd.MultiIndex.from_arrays([sites["plate"].map(plates), sites["well"]])
    row_of = place.get_indexer(imaged)
    if (row_of < 0).all():
        raise _no_well_in_common(plate_map.path, inside["well"], sites["well"])
    values = inside.drop(columns=["plate", "well"]).reset_index(drop=True).reindex(row_of)
    joined, conflicts = fill_columns(sites, values.set_axis(sites.index), override=override)
    warnings += _wells_apart(plate_map.path, place, imaged, sites["plate"])
    return joined, warnings + _told(plate_map.path, sites, conflicts, override=override)


def _inside(plate_map: PlateMap, plate_format: PlateFormat) -> tuple[pd.DataFrame, list[str]]:
    fits = {
        name: plate_format.contains(Well.parse(name)) for name in plate_map.wells["well"].unique()
    }
    outside = sorted(name for name, is_inside in fits.items() if not is_inside)
    inside = plate_map.wells[plate_map.wells["well"].map(fits)].copy()
    if not outside:
        return inside, []
    warning = (
        f"{plate_map.path.name} names {counted(len(outside), 'well')} outside the "
        f"{plate_format.n_wells}-well plate ({some(outside)})"
    )
    return inside, [warning]


def _map_plates(inside: pd.DataFrame, screen_plates: list[str], path: Path) -> dict[str, str]:
    """Spell the map's plates as the screen does, and say which plate of the screen is which."""
    if "plate" not in inside:
        return {plate: plate for plate in screen_plates}
    experiments = inside.get("experiment")
    spellings = plate_spellings(inside["plate"], experiments)
    given = spellings[0].unique()
    inside["plate"] = max(
        spellings, key=lambda names: len(match_plates(screen_plates, names.unique()))
    )
    plates = match_plates(screen_plates, inside["plate"].unique())
    if not plates:
        message = (
            f"{path} has none of the screen's plates: it has {some(given)}, the screen has "
            f"{some(screen_plates)}; rename the plates, or leave the plate column out"
        )
        raise ScreenFormatError(message)
    return plates


def _places(inside: pd.DataFrame, path: Path) -> pd.MultiIndex:
    place = pd.MultiIndex.from_frame(inside[["plate", "well"]])
    if place.has_duplicates:
        plate, well = place[place.duplicated()][0]
        message = (
            f"{path} lists plate {plate} well {well} in several experiments; name the plates "
            "EXPERIMENT_PLATE in the map and in the screen"
        )
        raise ScreenFormatError(message)
    return place


def _wells_apart(
    path: Path, place: pd.MultiIndex, imaged: pd.MultiIndex, plates: pd.Series
) -> list[str]:
    """Tell which wells are only in the map, or only in the images."""
    warnings = []
    unknown = plates[imaged.get_level_values(0).isna()].unique()
    if len(unknown):
        warnings.append(
            f"{path.name} has no plate {some(unknown)} ({counted(len(unknown), 'plate')})"
        )
    known = imaged[imaged.get_level_values(0).notna()].unique()
    here = place[place.get_level_values(0).isin(known.get_level_values(0))]
    not_imaged = here.difference(known)
    if len(not_imaged):
        names = some(not_imaged.get_level_values(1))
        warnings.append(f"{counted(len(not_imaged), 'well')} of {path.name} not imaged ({names})")
    extra = known.difference(place)
    if len(extra):
        names = some(extra.get_level_values(1))
        warnings.append(f"{counted(len(extra), 'imaged well')} not in {path.name} ({names})")
    return warnings


def _told(
    path: Path, sites: pd.DataFrame, conflicts: dict[str, pd.Series], *, override: bool
) -> list[str]:
    """Tell where the map and the sites' own table said different things."""
    warnings = []
    for name in _TOLD:
        rows = conflicts.get(name)
        if rows is not None and rows.any():
            wells = sites.loc[rows, ["plate", "well"]].drop_duplicates()
            kept = "its value replaces the one" if override else "it does not replace the one"
            warnings.append(
                f"{path.name} gives another {name} for {counted(len(wells), 'well')} "
                f"({some(wells['well'])}); {kept} there was"
            )
    return warnings


def _no_well_in_common(path: Path, theirs: pd.Series, ours: pd.Series) -> ScreenFormatError:
    message = (
        f"{path} has none of the imaged wells: it has {some(theirs.unique())}, the screen has "
        f"{some(ours.unique())}; check that it is the map of these plates"
    )
    return ScreenFormatError(message)
