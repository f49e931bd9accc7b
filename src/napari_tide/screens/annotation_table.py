"""A plate map or metadata table, its columns under the names the rest of the package uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.chem.doses import parse_doses_um
from napari_tide.errors import MoleculeValueError, PlateValueError, ScreenFormatError
from napari_tide.screens.annotation_columns import dose_column, free_name, recognise
from napari_tide.screens.perturbation_words import is_genetic
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
    raw = read_table_file(path)
    raw = raw[(raw != "").any(axis=1)]
    if raw.empty:
        message = f"{path} has only empty rows; expected a row per well or compound"
        raise ScreenFormatError(message)
    found = recognise(list(raw.columns))
    rows = raw[list(found.values())].set_axis(list(found), axis=1)
    try:
        doses = _doses(raw, found.get("dose_unit"))
        wells = _wells(rows)
    except (MoleculeValueError, PlateValueError) as error:
        message = f"{path}: {error}"
        raise ScreenFormatError(message) from error
    if doses is not None:
        rows["dose_um"] = doses
    rows = rows.drop(columns=["row", "column", "dose_unit"], errors="ignore")
    if "plate" in rows and not (rows["plate"] != "").any():
        rows = rows.drop(columns="plate")
    if "experiment" in rows and "batch" not in rows:
        rows["batch"] = rows["experiment"]
    for name in wells:
        rows[name] = wells[name]
    used = {*found.values(), *_dose_headers(raw)}
    for header in raw.columns:
        if header not in used:
            rows[free_name(header)] = raw[header]
    return AnnotationTable(path, _with_compound(rows).reset_index(drop=True))


def _dose_headers(raw: pd.DataFrame) -> list[str]:
    column = dose_column(list(raw.columns))
    return [] if column is None else [column.header]


def _doses(raw: pd.DataFrame, unit_header: str | None) -> pd.Series | None:
    column = dose_column(list(raw.columns))
    if column is None:
        return None
    texts = raw[column.header]
    if unit_header is not None and not column.has_unit:
        given = texts.str.fullmatch(r"[\d.,eE+-]+")  # a unit beside the number comes first
        texts = texts.where(~given, (texts + " " + raw[unit_header]).str.strip())
    return pd.Series(parse_doses_um(list(texts), unit=column.unit), index=raw.index)


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
        pairs = pd.Series(list(zip(rows["row"], rows["column"], strict=True)), index=rows.index)
        return {"well": pairs.map({pair: _well_at(*pair) for pair in set(pairs)})}
    return {}


def _canonical(names: pd.Series) -> pd.Series:
    return names.map({name: Well.parse(name).name for name in names.unique()})


def _well_at(row: str, column: str) -> str:
    if row.isdigit() and column.isdigit() and int(row) > 0 and int(column) > 0:
        return Well(int(row) - 1, int(column) - 1).name
    if row.isalpha() and column.isdigit():
        return Well.parse(f"{row}{column}").name
    message = (
        f"row {row!r} and column {column!r} are no well; "
        "rows are letters or count from 1, columns count from 1"
    )
    raise PlateValueError(message)


def _with_compound(rows: pd.DataFrame) -> pd.DataFrame:
    """Let a treatment name the compound, unless the row is of a gene."""
    if "treatment" not in rows or "compound" in rows:
        return rows
    of_gene = pd.Series(data=False, index=rows.index)
    if "gene" in rows:
        of_gene |= rows["gene"] != ""
    if "perturbation_type" in rows:
        types = rows["perturbation_type"]
        of_gene |= types.isin([word for word in types.unique() if is_genetic(word)])
    return rows.assign(compound=rows["treatment"].where(~of_gene, ""))
