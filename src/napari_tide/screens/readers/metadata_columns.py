"""CellProfiler's ``Metadata_`` columns, as columns of a screen's table.

Columns that mean what one of ours means take its name (see ``annotation_columns``); the rest travel
along in snake case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from napari_tide.errors import PlateValueError, ScreenFormatError
from napari_tide.screens.annotation_columns import (
    MEANINGS,
    PREFIX,
    SITE_MEANINGS,
    free_name,
    plain_header,
    recognise,
)
from napari_tide.screens.annotation_values import (
    read_doses,
    wells_of_rows_and_columns,
    with_compound,
)
from napari_tide.screens.controls import recognise_controls
from napari_tide.screens.dose_texts import Doses
from napari_tide.screens.wording import counted

_METRES = {"position_x": "x_um", "position_y": "y_um"}


def site_metadata(
    table: pd.DataFrame, *, plate: str, source: str
) -> tuple[pd.DataFrame, list[str]]:
    """Give plate, well, site and whatever else the ``Metadata_`` columns say, a row per row.

    Parameters
    ----------
    table
        Text columns, as in the file.
    plate
        The plate's name where no column says it.
    source
        The file, for messages.

    Returns
    -------
    sites
        The rows in their order.
    warnings
        Doses that cannot be read, and words for controls that mean nothing to us.

    Raises
    ------
    ScreenFormatError
        Nothing says the well.
    """
    headers = [header for header in table.columns if header.lower().startswith(PREFIX)]
    given = pd.DataFrame({header: table[header].str.strip() for header in headers})
    filled = given[[header for header in headers if given[header].ne("").any()]]
    found = recognise(list(filled.columns), meanings={**MEANINGS, **SITE_MEANINGS})
    sites = given[list(found.values())].set_axis(list(found), axis=1)
    if "well" not in sites:
        sites["well"] = _well_names(sites, list(table.columns), source)
    sites = sites.drop(columns=["row", "column", "dose_unit"], errors="ignore")
    if "plate" not in sites:
        sites["plate"] = plate
    if "site" not in sites:
        sites["site"] = "1"
    doses = read_doses(filled, unit_header=found.get("dose_unit"))
    warnings = []
    if doses is not None:
        sites["dose_um"] = doses.values_um
        warnings += _unreadable(doses, source)
    used = {*found.values(), *([] if doses is None else [doses.header])}
    rest = _snake_named(given.drop(columns=list(used)))
    sites, from_controls = recognise_controls(with_compound(sites))
    return pd.concat([sites, rest], axis=1), [*warnings, *from_controls]


def pixel_size_of(table: pd.DataFrame) -> tuple[float | None, list[str]]:
    """Give the pixel size in µm from ``ImageResolutionX`` (metres), and warnings about it."""
    column = "Metadata_ImageResolutionX"
    if column not in table:
        return None, []
    sizes = pd.to_numeric(table[column], errors="coerce").dropna().unique()
    if len(sizes) == 1 and 1e-9 < sizes[0] < 1e-3:
        return float(sizes[0]) * 1e6, []
    shown = ", ".join(f"{size:g}" for size in sizes[:3]) or "nothing readable"
    return None, [f"{column} says {shown}, not one size in metres; the pixel size stays unknown"]


def _snake_named(given: pd.DataFrame) -> pd.DataFrame:
    named: dict[str, pd.Series] = {}
    for header in given.columns:
        name = _snake(plain_header(header)) or "metadata"
        if name in _METRES:
            named[_METRES[name]] = pd.to_numeric(given[header], errors="coerce") * 1e6
        else:
            named[_free(free_name(name), named)] = given[header]
    return pd.DataFrame(named, index=given.index)


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|[A-Z]{2}|[A-Z]\b|[A-Z]_)", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_").replace("_u_m", "_um")


def _free(name: str, taken: Iterable[str]) -> str:
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    return free


def _well_names(sites: pd.DataFrame, present: list[str], source: str) -> pd.Series:
    if not {"row", "column"} <= {*sites.columns}:
        message = (
            f"{source} has no Metadata_Well, nor Metadata_Row and Metadata_Column (it has "
            f"{', '.join(present[:12])}); add a column Metadata_Well with wells such as B03"
        )
        raise ScreenFormatError(message)
    try:
        return wells_of_rows_and_columns(sites["row"], sites["column"])
    except PlateValueError as error:
        message = f"{source}: {error}"
        raise ScreenFormatError(message) from error


def _unreadable(doses: Doses, source: str) -> list[str]:
    wrong = doses.first_unreadable()
    if wrong is None:
        return []
    place, why = wrong
    more = len(doses.unreadable) - 1
    also = f" ({counted(more, 'other value')} of {doses.header} too)" if more else ""
    return [f"{source}, line {place + 2}: {why}; such a dose stays unknown{also}"]
