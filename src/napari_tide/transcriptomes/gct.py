"""Read GCT (``#1.2`` and ``#1.3``): expression as tab-separated text, plain or gzipped.

Genes are rows and samples are columns. In ``#1.3`` gene metadata are the columns before the first
sample and sample metadata the rows before the first gene; ``#1.2`` has one gene column.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.expression_table import repeated_id
from napari_tide.transcriptomes.metadata_values import MISSING_TEXT, decode, is_missing_text
from napari_tide.transcriptomes.raw_expression import RawExpression
from napari_tide.transcriptomes.selection import Positions

_MAX_BLOCK = 2**30
_MOST_DIGITS = 12  # of a count; longer ones are damage


@dataclass(frozen=True, slots=True, eq=False)
class MatrixInMemory:
    """Values already read, samples by genes."""

    values: npt.NDArray[np.float32]

    def read(self, samples: Positions, genes: Positions) -> npt.NDArray[np.float32]:
        """Copy samples by genes."""
        return self.values[np.ix_(samples, genes)]


@dataclass(frozen=True, slots=True)
class _Header:
    """What the first three lines announce."""

    n_genes: int
    n_samples: int
    n_gene_columns: int
    n_sample_rows: int
    names: list[str]

    @property
    def n_fields(self) -> int:
        return 1 + self.n_gene_columns + self.n_samples


def read_gct(path: Path) -> RawExpression:
    """Read a GCT file whole.

    Raises
    ------
    ExpressionFormatError
        The file is not GCT, is cut short, or its header and its content disagree.
    """
    file = io.BytesIO(_content(path))
    header = _read_header(path, file)
    samples = _read_sample_rows(path, file, header)
    genes, values = _read_body(path, file.read(), header)
    for what, index in (("sample", samples.index), ("gene", genes.index)):
        repeated = repeated_id(index)
        if repeated is not None:
            message = f"{path} names {what} {repeated!r} more than once; make the ids unique"
            raise ExpressionFormatError(message)
    return RawExpression("gct", samples, genes, MatrixInMemory(values))


def _content(path: Path) -> bytes:
    raw = path.read_bytes()
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path} is damaged or cut short ({error}); download it again"
        raise ExpressionFormatError(message) from error


def _read_header(path: Path, file: io.BytesIO) -> _Header:
    version = _line(file).removeprefix("\ufeff")
    if version not in ("#1.2", "#1.3"):
        message = f"{path} is not GCT: it begins with {version[:20]!r}, expected '#1.2' or '#1.3'"
        raise ExpressionFormatError(message)
    n_counts = 4 if version == "#1.3" else 2
    counts = _line(file).split()
    are_counts = all(count.isdecimal() and len(count) <= _MOST_DIGITS for count in counts)
    if len(counts) != n_counts or not are_counts:
        message = f"{path} has {' '.join(counts)[:40]!r} as its size; expected {n_counts} counts"
        raise ExpressionFormatError(message)
    sizes = [int(count) for count in counts]
    n_gene_columns, n_sample_rows = (sizes[2], sizes[3]) if n_counts == 4 else (1, 0)
    names = _fields(file.readline())
    header = _Header(sizes[0], sizes[1], n_gene_columns, n_sample_rows, names)
    if len(names) != header.n_fields:
        _refuse_width(path, 3, len(names), header)
    return header


def _read_sample_rows(path: Path, file: io.BytesIO, header: _Header) -> pd.DataFrame:
    first = 1 + header.n_gene_columns
    columns: dict[str, list[str]] = {}
    for number in range(4, 4 + header.n_sample_rows):
        line = file.readline()
        fields = _fields(line)
        if not line or len(fields) != header.n_fields:
            _refuse_width(path, number, len(fields) if line else 0, header)
        columns[fields[0]] = fields[first:]
    return pd.DataFrame(columns, index=pd.Index(header.names[first:], name="id"))


def _line(file: io.BytesIO) -> str:
    return decode([file.readline()])[0].strip()


def _fields(line: bytes) -> list[str]:
    return [field.strip() for field in decode(line.rstrip(b"\r\n").split(b"\t"))]


def _refuse_width(path: Path, number: int, n_found: int, header: _Header) -> NoReturn:
    message = (
        f"{path} announces {header.n_samples} samples and {header.n_gene_columns} gene columns, "
        f"{header.n_fields} fields a line with the id, but line {number} has {n_found}; "
        "correct its second line, or download the file again if it is cut short"
    )
    raise ExpressionFormatError(message)


def _read_body(
    path: Path, body: bytes, header: _Header
) -> tuple[pd.DataFrame, npt.NDArray[np.float32]]:
    table = _parse_numbers(path, body, header)
    if table.num_rows != header.n_genes:
        message = (
            f"{path} announces {header.n_genes} genes but holds {table.num_rows}; "
            "correct its second line, or download the file again if it is cut short"
        )
        raise ExpressionFormatError(message)
    first = 1 + header.n_gene_columns
    texts = [[f.strip() for f in decode(table.column(i).to_pylist())] for i in range(first)]
    columns = dict(zip(header.names[1:first], texts[1:], strict=True))
    genes = pd.DataFrame(columns, index=pd.Index(texts[0], name="id"))
    values = np.empty((header.n_samples, header.n_genes), dtype=np.float32)
    for sample in range(header.n_samples):
        values[sample] = table.column(first + sample).to_numpy()
    return genes, values


def _parse_numbers(path: Path, body: bytes, header: _Header) -> pa.Table:
    names = [str(number) for number in range(header.n_fields)]
    first = 1 + header.n_gene_columns
    if not body.strip():
        types = {name: pa.binary() for name in names}
        return pa.table({name: pa.array([], types[name]) for name in names})
    try:
        return csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(
                column_names=names, block_size=min(len(body) + 1, _MAX_BLOCK)
            ),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types={
                    name: pa.binary() if number < first else pa.float32()
                    for number, name in enumerate(names)
                },
                null_values=list(MISSING_TEXT),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise ExpressionFormatError(_what_is_wrong(path, body, header, error)) from error


def _what_is_wrong(path: Path, body: bytes, header: _Header, error: pa.ArrowInvalid) -> str:
    """Find the line or cell the fast parser refused, to name it."""
    first = 1 + header.n_gene_columns
    for number, line in enumerate(body.splitlines(), start=4 + header.n_sample_rows):
        fields = _fields(line)
        if line and len(fields) != header.n_fields:
            _refuse_width(path, number, len(fields), header)
        for name, cell in zip(header.names[first:], fields[first:], strict=False):
            if not _is_value(cell):
                return (
                    f"{path} has {cell!r} for gene {fields[0]!r} in sample {name!r}; "
                    "expected a number, or -666 where there is none"
                )
    return f"{path} cannot be read as GCT ({error}); download it again"


def _is_value(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return is_missing_text(cell)
    return "_" not in cell
