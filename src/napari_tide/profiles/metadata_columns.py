"""Metadata between pandas and Arrow: one type a column, whatever stands in it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa

_PLAIN = (str, bool, int, float, np.generic, dt.date)
_NUMBERS = (int, float, np.integer, np.floating)
_LISTS = (list, tuple, set, frozenset, np.ndarray)
_BOOLEANS = (bool, np.bool_)


def metadata_to_arrow(metadata: pd.DataFrame) -> pa.Table:
    """Give metadata as they are stored.

    Numbers of several types become floats; values of otherwise different types become text. A
    column without any value is text, so that a later part of the same table may hold words in it.
    """
    table = pa.Table.from_pandas(metadata.apply(_of_one_type), preserve_index=False)
    schema = pa.schema(
        pa.field(field.name, pa.string()) if pa.types.is_null(field.type) else field
        for field in table.schema
    )
    return table.cast(schema)


def metadata_from_arrow(batch: pa.RecordBatch) -> pd.DataFrame:
    """Give stored metadata as a table.

    Whole numbers stay whole where some are missing; lists become text.
    """
    table: pd.DataFrame = batch.to_pandas()
    for field, values in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_integer(field.type) and values.null_count:
            dtype = "UInt64" if pa.types.is_unsigned_integer(field.type) else "Int64"
            whole = values.to_pandas(integer_object_nulls=True)
            table[field.name] = pd.array(whole.to_numpy(dtype=object), dtype=dtype)
        elif pa.types.is_nested(field.type):  # which could be neither grouped nor compared
            table[field.name] = table[field.name].map(_text_of, na_action="ignore")
    return table


def _of_one_type(values: pd.Series) -> pd.Series:
    if values.dtype != object:
        return values
    given = values[values.notna()]
    types = {type(value) for value in given}
    if all(issubclass(kind, _NUMBERS) and not issubclass(kind, _BOOLEANS) for kind in types):
        return _as_numbers(values, is_whole=all(issubclass(kind, int) for kind in types))
    if len(types) == 1 and issubclass(types.pop(), _PLAIN):
        return values
    return values.map(_text_of, na_action="ignore")


def _text_of(value: object) -> str:
    """Write a value as text tables do; lists of targets are joined."""
    if isinstance(value, _LISTS):
        return "|".join(map(str, value))
    return str(value)


def _as_numbers(values: pd.Series, *, is_whole: bool) -> pd.Series:
    if not values.notna().any():
        return values
    if is_whole:
        limits = np.iinfo(np.int64)
        fits = all(limits.min <= value <= limits.max for value in values[values.notna()])
        return values if fits else values.map(str, na_action="ignore")
    return pd.Series(
        [np.nan if pd.isna(value) else float(value) for value in values], index=values.index
    )
