"""Metadata in a file of its own: ``siginfo``, ``instinfo``, ``geneinfo``, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import compute, csv

from napari_tide.errors import ExpressionFormatError, ExpressionMissingError
from napari_tide.transcriptomes.metadata_values import decode

_MAX_BLOCK = 2**30


def read_text_table(path: Path) -> pa.Table:
    """Read a tab- or comma-separated table with its first line as names, every cell as bytes.

    Types are decided later, the same way as for other metadata.

    Raises
    ------
    ExpressionMissingError
        The table is not there.
    ExpressionFormatError
        The file is damaged or no table.
    """
    content = _content(path)
    first_line = content.partition(b"\n")[0].rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
    delimiter = "\t" if b"\t" in first_line else ","
    names = [name.strip().strip('"') for name in decode(first_line.split(delimiter.encode()))]
    if len(names) < 2 or len(set(names)) != len(names):
        message = f"{path} is not a table; expected a first line of distinct tab-separated names"
        raise ExpressionFormatError(message)
    try:
        return csv.read_csv(
            pa.BufferReader(content),
            read_options=csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=min(len(content) + 1, _MAX_BLOCK)
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, quote_char=False if delimiter == "\t" else '"'
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        message = f"{path} cannot be read as a table ({error}); download it again"
        raise ExpressionFormatError(message) from error


def join_metadata(
    described: pd.DataFrame, path: Path, *, what: str
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Add the columns of a table to samples or genes, matched by id.

    The column that holds the ids is found by its content. Where both say something under one name,
    the table is believed: it is the newer. Rows of the table for other files are passed over.

    Returns
    -------
    joined
        The same rows in the same order.
    warnings
        One sentence where the table leaves some rows out.
    """
    table = read_text_table(path)
    key = _key_column(table, described.index, path, what)
    rows = _rows_of(table, key, described.index)
    ids = pd.Index(rows.pop(key))
    if not ids.is_unique:
        message = f"{path} has {what} {ids[ids.duplicated()][0]!r} more than once in column {key}"
        raise ExpressionFormatError(message)
    added = rows.set_axis(ids).reindex(described.index)
    kept = described.drop(columns=[name for name in added.columns if name in described.columns])
    n_left = int((~described.index.isin(ids)).sum())
    warnings = (f"{path.name} says nothing of {n_left} of {len(described)} {what}s",)
    return pd.concat([kept, added], axis=1), warnings if n_left else ()


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw
    except FileNotFoundError as error:
        message = f"{path} is not there; expected a metadata table such as siginfo_beta.txt"
        raise ExpressionMissingError(message) from error
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path} is damaged or cannot be read ({error}); download it again"
        raise ExpressionFormatError(message) from error


def _key_column(table: pa.Table, ids: pd.Index, path: Path, what: str) -> str:
    """Choose the column that names the most of the ids."""
    wanted = _as_bytes(ids)
    hits: dict[str, int] = {
        name: len(compute.unique(table[name].filter(compute.is_in(table[name], wanted))))
        for name in table.column_names
    }
    best = max(hits, key=lambda name: hits[name])
    if not hits[best]:
        message = (
            f"no column of {path} holds {what} ids such as {ids[0] if len(ids) else ''!r}; "
            f"it has {table.column_names[:12]}"
        )
        raise ExpressionFormatError(message)
    return best


def _rows_of(table: pa.Table, key: str, ids: pd.Index) -> pd.DataFrame:
    mine = table.filter(compute.is_in(table[key], _as_bytes(ids)))
    return pd.DataFrame({name: _decoded(mine[name]) for name in mine.column_names})


def _decoded(column: pa.ChunkedArray) -> npt.NDArray[np.object_]:
    """Decode each distinct value once: most columns repeat few."""
    encoded = column.combine_chunks().dictionary_encode()
    distinct = np.array(decode(encoded.dictionary.to_pylist()), dtype=object)
    texts: npt.NDArray[np.object_] = distinct[encoded.indices.to_numpy()]
    return texts


def _as_bytes(ids: pd.Index) -> pa.Array:
    return pa.array([str(name).encode() for name in ids], pa.binary())
