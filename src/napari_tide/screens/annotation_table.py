"""A plate map or metadata table, its columns under the names the rest of the package uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import PlateValueError, ScreenFormatError
from napari_tide.screens.annotation_columns import free_name, recognise
from napari_tide.screens.annotation_values import (
    read_doses,
    wells_of_rows_and_columns,
    with_compound,
)
from napari_tide.screens.dose_texts import Doses
from napari_tide.screens.table_file import read_table_file
from napari_tide.screens.well import Well

_PLATE_AND_WELL = re.compile(r"(?P<plate>.+)_(?P<well>[A-Za-z]{1,2}\d{1,3})")


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationTable:
    """What a file says about wells, samples or compounds.

    Parameters
    ----------
    path
        The file.
    rows
        Text columns under our names (``well`` as ``"B03"``), ``dose_um`` as numbers; columns we
        know no word for keep their header.
    """

    path: Path
    rows: pd.DataFrame

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return set(names) <= set(self.rows.columns)


def read_annotation_table(path: Path) -> AnnotationTable:
    """Read a plate map, barcode table or metadata table.

    Raises
    ------
    ScreenMissingError
        The file is not there.
    ScreenFormatError
        The file is no table, or holds a well or dose that cannot be read.
    """
    raw = read_table_file(path).reset_index(drop=True)
    raw = raw[(raw != "").any(axis=1)]
    if raw.empty:
        message = f"{path} has only empty rows; expected a row per well or compound"
        raise ScreenFormatError(message)
    found = recognise(list(raw.columns))
    rows = raw[list(found.values())].set_axis(list(found), axis=1)
    try:
        wells = _wells(rows)
    except PlateValueError as error:
        message = f"{path}: {error}"
        raise ScreenFormatError(message) from error
    doses = read_doses(raw, unit_header=found.get("dose_unit"))
    if doses is not None:
        _refuse_unreadable(doses, path)
        rows["dose_um"] = doses.values_um
    rows = rows.drop(columns=["row", "column", "dose_unit"], errors="ignore")
    if "plate" in rows and not (rows["plate"] != "").any():
        rows = rows.drop(columns="plate")
    if "experiment" in rows and "batch" not in rows:
        rows["batch"] = rows["experiment"]
    for name in wells:
        rows[name] = wells[name]
    used = {*found.values(), *([] if doses is None else [doses.header])}
    for header in raw.columns:
        if header not in used:
            rows[free_name(header)] = raw[header]
    return AnnotationTable(path, with_compound(rows).reset_index(drop=True))


def _refuse_unreadable(doses: Doses, path: Path) -> None:
    wrong = doses.first_unreadable()
    if wrong is not None:
        place, why = wrong
        message = f"{path}, line {int(doses.texts.index[place]) + 2}: {why}"
        raise ScreenFormatError(message)


def _wells(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Give canonical well names, and plates where only a name of both says them."""
    has_row_and_column = {"row", "column"} <= {*rows.columns}
    if "well" in rows and not (has_row_and_column and rows["well"].str.isdigit().any()):
        if rows["well"].str.fullmatch(_PLATE_AND_WELL).all():
            parts = rows["well"].str.extract(_PLATE_AND_WELL)
            plates = {} if "plate" in rows else {"plate": parts["plate"]}
            return {**plates, "well": _canonical(parts["well"])}
        return {"well": _canonical(rows["well"])}
    if has_row_and_column:
        return {"well": wells_of_rows_and_columns(rows["row"], rows["column"])}
    return {}


def _canonical(names: pd.Series) -> pd.Series:
    return names.map({name: Well.parse(name).name for name in names.unique()})
