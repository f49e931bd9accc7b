"""What a metadata cell says: text, a number, or nothing.

L1000 files write ``-666`` for nothing, store numbers as text as often as not, and mix UTF-8 with
latin-1 (``10 µM``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

MISSING_TEXT = ("", "na", "NA", "N/A", "nan", "NaN", "#N/A", "<NA>")
MISSING_NUMBER = -666
_MINUS_666 = re.compile(r"-666(\.0*)?")
# no leading zeros: "007" is a name
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_WHOLE = re.compile(r"[+-]?\d{1,15}")


def decode(values: Iterable[bytes | str]) -> list[str]:
    """Turn stored bytes into text: UTF-8, or latin-1 where a value is not UTF-8."""
    return [value if isinstance(value, str) else _decode_one(value) for value in values]


def is_missing_text(text: str) -> bool:
    """Tell whether a text stands for a missing value."""
    return text in MISSING_TEXT or _MINUS_666.fullmatch(text) is not None


def as_text(column: pd.Series) -> pd.Series:
    """Give a column as stripped text, ``""`` where it is missing; 10.0 becomes ``"10"``."""
    codes, texts = _distinct_texts(column)
    return pd.Series(texts[codes], index=column.index, name=column.name)


def as_number(column: pd.Series) -> pd.Series:
    """Give a column as float64, NaN where it is missing or no number."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.astype(np.float64)
        return numbers.mask(numbers == MISSING_NUMBER)
    codes, texts = _distinct_texts(column)
    parsed = np.array([float(text) if _is_number(text) else np.nan for text in texts])
    return pd.Series(parsed[codes], index=column.index, name=column.name)


def tidied(column: pd.Series) -> pd.Series:
    """Give a column its natural type, with NaN where it is missing.

    Text becomes numbers where every value that is there is a plain number.
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        return column
    if pd.api.types.is_numeric_dtype(column.dtype):
        missing = column == MISSING_NUMBER
        return column.mask(missing) if missing.any() else column
    codes, texts = _distinct_texts(column)
    present = [text for text in texts if text]
    if not present or not all(_is_number(text) for text in present):
        values = np.array([text or np.nan for text in texts], dtype=object)
    elif (codes >= 0).all() and all(_WHOLE.fullmatch(text) for text in texts[:-1]):
        values = np.array([int(text or 0) for text in texts], dtype=np.int64)
    else:
        values = np.array([float(text or np.nan) for text in texts])
    return pd.Series(values[codes], index=column.index, name=column.name)


def _distinct_texts(column: pd.Series) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.object_]]:
    """Give codes and the texts they stand for; the last text, for code -1, is ``""``."""
    codes, distinct = pd.factorize(column)
    return codes, np.array([*(_one_text(value) for value in distinct), ""], dtype=object)


def _one_text(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    text = str(value).strip()
    return "" if is_missing_text(text) else text


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and bool(np.isfinite(float(text)))


def _decode_one(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
