"""Tables as files: Parquet, or delimited text in any usual encoding, gzipped or not."""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from napari_tide.errors import ScreenFormatError, ScreenMissingError

MISSING_TEXT = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "<NA>"})

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = (",", "\t", ";")


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
    table = _read_parquet(path) if path.suffix == ".parquet" else _read_text(path)
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
    if values.dtype != object:
        return values
    return values.map(lambda v: "|".join(map(str, v)) if isinstance(v, list | np.ndarray) else v)


def _read_text(path: Path) -> pd.DataFrame:
    text = _decoded(_content(path), path).lstrip("\n")
    header = text.split("\n", 1)[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                io.StringIO(text),
                sep=max(_SEPARATORS, key=header.count),
                dtype=object,
                keep_default_na=False,
                index_col=False,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        reason = str(error).strip().splitlines()[0]
        message = f"{path} is not a table with a header and equal rows ({reason}); export it again"
        raise ScreenFormatError(message) from error


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == _GZIP_MAGIC else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = f"{path} is a damaged or incomplete .gz file ({error}); copy it again"
        raise ScreenFormatError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror or error}); check the file"
        raise ScreenFormatError(message) from error


def _decoded(content: bytes, path: Path) -> str:
    if content.startswith(_ZIP_MAGIC):
        message = f"{path} is an Excel workbook or a zip archive; save the sheet as CSV"
        raise ScreenFormatError(message)
    if content[:2] in _UTF16_MARKS:
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        message = f"{path} is not text; expected a table as .csv, .tsv, .txt or .parquet"
        raise ScreenFormatError(message)
    return text.replace("\r\n", "\n").replace("\r", "\n")
