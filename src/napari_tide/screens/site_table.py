"""The table of a screen: one row per site, the columns every part relies on.

Columns not listed here (field positions, plate-map columns) travel along untouched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_tide.errors import PlateValueError, ScreenFormatError
from napari_tide.screens.well import Well

TEXT_COLUMNS = (
    "plate",
    "well",
    "batch",
    "cell_line",
    "perturbation_type",
    "compound",
    "smiles",
    "smiles_standard",
    "gene",
    "control",
    "moa",
    "targets",
)
SITE_COLUMNS = (
    "plate",
    "well",
    "site",
    "batch",
    "cell_line",
    "perturbation_type",
    "compound",
    "smiles",
    "smiles_standard",
    "dose_um",
    "gene",
    "control",
    "moa",
    "targets",
)
KEY = ["plate", "well", "site"]
PERTURBATION_TYPES = ("", "compound", "crispr", "control")
CONTROLS = ("", "negcon", "poscon")


def path_column(channel: str) -> str:
    """Name the column that holds a channel's plane addresses."""
    return f"path_{channel}"


def illumination_column(channel: str) -> str:
    """Name the column that holds a channel's illumination functions."""
    return f"illum_{channel}"


def normalise_sites(sites: pd.DataFrame, channels: Sequence[str], *, source: str) -> pd.DataFrame:
    """Check a table of sites and bring it to the standard columns, types and order.

    Parameters
    ----------
    sites
        At least ``plate``, ``well``, ``site`` and a ``path_`` column per channel.
    channels
        Canonical channel names, in the screen's order.
    source
        The file the table came from, for messages.

    Raises
    ------
    ScreenFormatError
        The table is empty, lacks a column, or names a site twice.
    """
    needed = [*KEY, *(path_column(channel) for channel in channels)]
    missing = [column for column in needed if column not in sites.columns]
    if missing:
        message = f"{source} has no column {', '.join(missing)}; it has {list(sites.columns)[:12]}"
        raise ScreenFormatError(message)
    repeated = sites.columns[sites.columns.duplicated()]
    if len(repeated):
        message = f"{source} has {len(repeated) + 1} columns {repeated[0]!r}; keep one"
        raise ScreenFormatError(message)
    if sites.empty:
        message = f"{source} lists no sites; expected one row per imaged field"
        raise ScreenFormatError(message)
    table = _standard_types(sites, channels, source=source)
    _refuse_undecodable_text(table, channels, source)
    wells = {name: _parse_well(name, source) for name in table["well"].unique()}
    table["well"] = table["well"].map({name: well.name for name, well in wells.items()})
    _refuse_duplicates(table, source)
    return _sorted_by_place(table, {well.name: well for well in wells.values()})


def _standard_types(sites: pd.DataFrame, channels: Sequence[str], *, source: str) -> pd.DataFrame:
    table = pd.DataFrame(index=sites.index)
    for column in SITE_COLUMNS:
        if column == "site":
            table[column] = _whole_numbers(sites["site"], source)
        elif column == "dose_um":
            raw = sites.get(column, pd.Series(np.nan, index=sites.index))
            table[column] = pd.to_numeric(raw, errors="coerce").astype(float)
        else:
            table[column] = _text(sites.get(column, pd.Series("", index=sites.index)))
    paths = [path_column(channel) for channel in channels]
    illums = [illumination_column(channel) for channel in channels]
    for column in [*paths, *(name for name in illums if name in sites.columns)]:
        table[column] = _text(sites[column])
    others = [column for column in sites.columns if column not in table.columns]
    return pd.concat([table, sites[others]], axis=1)


def _text(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "").map(str).str.strip()


def _whole_numbers(values: pd.Series, source: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = ~numbers.abs().le(2**53) | (numbers % 1 != 0)
    if wrong.any():
        message = f"{source} has site {values[wrong].iloc[0]!r}; sites are whole numbers"
        raise ScreenFormatError(message)
    return numbers.astype(np.int64)


def _parse_well(name: str, source: str) -> Well:
    try:
        return Well.parse(name)
    except PlateValueError as error:
        message = f"{source}: {error}"
        raise ScreenFormatError(message) from error


def _refuse_undecodable_text(table: pd.DataFrame, channels: Sequence[str], source: str) -> None:
    """Refuse names no table can be saved with: bytes of a file name that are not UTF-8."""
    texts = [pd.Series(list(channels)), *(table[name] for name in table if _is_text(table[name]))]
    for text in texts:
        try:
            "".join(map(str, text.unique())).encode()
        except UnicodeEncodeError:
            wrong = next(value for value in map(str, text) if not _is_unicode(value))
            message = (
                f"{source} has {wrong!r}, which holds bytes that are no letters in UTF-8; rename "
                "the file or folder, or correct the table"
            )
            raise ScreenFormatError(message) from None


def _is_text(values: pd.Series) -> bool:
    return values.dtype == object or isinstance(values.dtype, pd.StringDtype)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refuse_duplicates(table: pd.DataFrame, source: str) -> None:
    repeated = table.duplicated(KEY)
    if repeated.any():
        plate, well, site = table.loc[repeated, KEY].iloc[0]
        message = (
            f"{source} lists plate {plate} well {well} site {site} more than once "
            f"({int(repeated.sum())} such rows); keep one row per site"
        )
        raise ScreenFormatError(message)


def _sorted_by_place(table: pd.DataFrame, wells: dict[str, Well]) -> pd.DataFrame:
    rows = table["well"].map({name: well.row for name, well in wells.items()})
    columns = table["well"].map({name: well.column for name, well in wells.items()})
    order = np.lexsort((table["site"], columns, rows, table["plate"]))
    return table.iloc[order].reset_index(drop=True)
