"""What stands in the columns of plate maps and metadata, read: doses, wells, compounds."""

from __future__ import annotations

import re

import pandas as pd

from napari_tide.errors import PlateValueError
from napari_tide.screens.annotation_columns import dose_column
from napari_tide.screens.dose_texts import Doses, doses_in
from napari_tide.screens.perturbation_words import is_genetic
from napari_tide.screens.well import Well

_BARE_NUMBER = r"[\d.,eE+-]+"
_WHOLE = re.compile(r"(\d{1,4})(?:\.0*)?")


def read_doses(table: pd.DataFrame, *, unit_header: str | None = None) -> Doses | None:
    """Read the column of doses of a table of text, where it has one.

    Parameters
    ----------
    table
        Text columns as in the file.
    unit_header
        The column that gives the unit beside each number.
    """
    column = dose_column(list(table.columns))
    if column is None:
        return None
    texts = table[column.header]
    if unit_header is not None and not column.has_unit:
        given = texts.str.fullmatch(_BARE_NUMBER)  # a unit beside the number comes first
        texts = texts.where(~given, (texts + " " + table[unit_header]).str.strip())
    return doses_in(texts, unit=column.unit, header=column.header)


def wells_of_rows_and_columns(rows: pd.Series, columns: pd.Series) -> pd.Series:
    """Give well names where the row and the column stand in columns of their own.

    Raises
    ------
    PlateValueError
        Some row and column are no well.
    """
    pairs = list(zip(rows, columns, strict=True))
    name_of = {pair: _well_at(*pair) for pair in set(pairs)}
    return pd.Series([name_of[pair] for pair in pairs], index=rows.index, dtype=object)


def _well_at(row: str, column: str) -> str:
    """Read ``B`` and ``3``, ``2`` and ``3``, or ``2.0`` and ``3.0`` as spreadsheets leave them."""
    row_number, column_number = _WHOLE.fullmatch(row), _WHOLE.fullmatch(column)
    if column_number is not None and int(column_number[1]) > 0:
        if row_number is not None and int(row_number[1]) > 0:
            return Well(int(row_number[1]) - 1, int(column_number[1]) - 1).name
        if row.isalpha():
            return Well.parse(f"{row}{column_number[1]}").name
    message = (
        f"has row {row!r} and column {column!r}, which are no well; "
        "rows are letters or count from 1, columns count from 1"
    )
    raise PlateValueError(message)


def with_compound(rows: pd.DataFrame) -> pd.DataFrame:
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
