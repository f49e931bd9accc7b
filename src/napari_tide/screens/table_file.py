"""Tables as files: Parquet, or delimited text in any usual encoding, gzipped or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from napari_tide.errors import ScreenFormatError, ScreenMissingError
from napari_tide.screens.readers.delimited import read_delimited

MISSING_TEXT = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"})

_ZIP_MAGIC = b"PK\x03\x04"


def read_table_file(path: Path) -> pd.DataFrame:
    """Read a table in which every value is text without space around it, missing ones empty.

    Raises
    ------
    ScreenMissingError
        The file is not there.
    ScreenFormatError
        The file is no table.
    """
    if not path.is_file():
        message = f"{path} is not there; expected a table as .csv, .tsv, .txt or .parquet"
        raise ScreenMissingError(message)
    _refuse_workbook(path)
    table = _read_parquet(path) if path.suffix == ".parquet" else read_delimited(path)
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    if table.empty:
        message = f"{path} has no rows; expected a header and a row per well or compound"
        raise ScreenFormatError(message)
    return pd.DataFrame({name: as_text(table[name]) for name in table.columns})


def as_text(values: pd.Series) -> pd.Series:
    """Give a column as text, missing values empty, whole numbers without a decimal point."""
    codes, distinct = pd.factorize(values.astype(object))
    texts = [*map(_one_text, distinct), ""]  # the last for what is missing, whose code is -1
    return pd.Series(np.array(texts, dtype=object)[codes], index=values.index, dtype=object)


def _one_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return "" if text in MISSING_TEXT else text


def _refuse_workbook(path: Path) -> None:
    with path.open("rb") as file:
        is_zip = file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC
    if is_zip:
        message = f"{path} is an Excel workbook or a zip archive; save the sheet as CSV"
        raise ScreenFormatError(message)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        message = f"{path} cannot be read as Parquet ({error}); copy or export it again"
        raise ScreenFormatError(message) from error
    if table.index.name is not None:
        table = table.reset_index()
    return table.apply(_without_lists)


def _without_lists(values: pd.Series) -> pd.Series:
    """Join lists, as in a Parquet column of targets, the way text tables write them."""
    given = values.dropna()
    if values.dtype != object or given.empty or not isinstance(given.iloc[0], list | np.ndarray):
        return values
    return values.map(lambda items: "|".join(map(str, items)), na_action="ignore")
