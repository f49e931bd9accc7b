"""CellProfiler's ``Metadata_`` columns, as columns of a screen's table.

Columns that mean what one of ours means take its name; the rest travel along in snake case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.site_table import KEY, SITE_COLUMNS
from napari_tide.screens.well import Well

PREFIX = "Metadata_"
MEANINGS: Mapping[str, tuple[str, ...]] = {
    "plate": ("plate", "plate_id", "plate_barcode", "assay_plate_barcode", "barcode"),
    "well": ("well", "well_id", "well_position"),
    "site": ("site", "field_id", "field", "fov"),
    "batch": ("batch", "batch_id"),
    "cell_line": ("cell_line", "cell_type", "cell"),
    "perturbation_type": ("perturbation_type",),
    "compound": ("compound", "compound_name", "pert_iname"),
    "smiles": ("smiles",),
    "dose_um": ("dose_um", "concentration_um", "dose", "mmoles_per_liter"),
    "gene": ("gene", "gene_symbol"),
    "control": ("control", "control_type"),
    "moa": ("moa",),
    "targets": ("targets", "target"),
}
_ROWS = ("row", "well_row")
_COLUMNS = ("column", "col", "well_column", "well_col")
_ROW_LETTERS = re.compile(r"[A-Za-z]{1,2}")
_METRES = {"position_x": "x_um", "position_y": "y_um"}


def site_metadata(table: pd.DataFrame, *, plate: str, source: str) -> pd.DataFrame:
    """Give plate, well, site and whatever else the ``Metadata_`` columns say, a row per row.

    Parameters
    ----------
    table
        Text columns, as in the file.
    plate
        The plate's name where no column says it.
    source
        The file, for messages.

    Raises
    ------
    ScreenFormatError
        Nothing says the well.
    """
    given = _snake_named(table)
    found: dict[str, pd.Series] = {}
    for ours, theirs in MEANINGS.items():
        for name in theirs:
            if ours not in found and name in given and given[name].ne("").any():
                found[ours] = _converted(name, given.pop(name))
    if "well" not in found:
        found["well"] = _well_names(given, list(table.columns), source)
    found.setdefault("plate", pd.Series(plate, index=table.index))
    found.setdefault("site", pd.Series("1", index=table.index))
    for name, ours in _METRES.items():
        if name in given:
            found[ours] = pd.to_numeric(given.pop(name), errors="coerce") * 1e6
    rest = {_free_name(name): values for name, values in given.items()}
    return pd.DataFrame({**found, **rest}, index=table.index)


def pixel_size_of(table: pd.DataFrame) -> tuple[float | None, list[str]]:
    """Give the pixel size in µm from ``ImageResolutionX`` (metres), and warnings about it."""
    column = f"{PREFIX}ImageResolutionX"
    if column not in table:
        return None, []
    sizes = pd.to_numeric(table[column], errors="coerce").dropna().unique()
    if len(sizes) == 1 and 1e-9 < sizes[0] < 1e-3:
        return float(sizes[0]) * 1e6, []
    shown = ", ".join(f"{size:g}" for size in sizes[:3]) or "nothing readable"
    return None, [f"{column} says {shown}, not one size in metres; the pixel size stays unknown"]


def _snake_named(table: pd.DataFrame) -> dict[str, pd.Series]:
    named: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.lower().startswith(PREFIX.lower()):
            name = _free(_snake(column[len(PREFIX) :]) or "metadata", named)
            named[name] = table[column].str.strip()
    return named


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|[A-Z]{2}|[A-Z]\b|[A-Z]_)", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_").replace("_u_m", "_um")


def _free(name: str, taken: Iterable[str]) -> str:
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}_{count}"
    return free


def _free_name(name: str) -> str:
    taken = name in SITE_COLUMNS or name in KEY or name.startswith(("path_", "illum_"))
    return f"metadata_{name}" if taken else name


def _converted(name: str, values: pd.Series) -> pd.Series:
    if name == "mmoles_per_liter":
        return pd.to_numeric(values, errors="coerce") * 1000
    if name in MEANINGS["control"]:
        folded = values.str.lower()
        kinds = [folded.str.startswith("neg"), folded.str.startswith("pos")]
        return pd.Series(np.select(kinds, ["negcon", "poscon"], ""), index=values.index)
    return values


def _well_names(given: dict[str, pd.Series], present: list[str], source: str) -> pd.Series:
    rows = next((given[name] for name in _ROWS if name in given), None)
    columns = next((given[name] for name in _COLUMNS if name in given), None)
    if rows is None or columns is None:
        message = (
            f"{source} has no Metadata_Well, nor Metadata_Row and Metadata_Column; it has {present}"
        )
        raise ScreenFormatError(message)
    pairs = list(zip(rows, columns, strict=True))
    names = {pair: _well_name(*pair, source) for pair in set(pairs)}
    return pd.Series([names[pair] for pair in pairs], index=rows.index)


def _well_name(row: str, column: str, source: str) -> str:
    number = float(column) if re.fullmatch(r"\d{1,4}(\.0*)?", column) else 0
    if _ROW_LETTERS.fullmatch(row) and number >= 1:
        return f"{row}{int(number)}"
    if re.fullmatch(r"\d{1,4}(\.0*)?", row) and float(row) >= 1 and number >= 1:
        return Well(int(float(row)) - 1, int(number) - 1).name
    message = (
        f"{source} has row {row!r} and column {column!r}, which are no well; "
        "rows are letters or count from 1, columns count from 1"
    )
    raise ScreenFormatError(message)
