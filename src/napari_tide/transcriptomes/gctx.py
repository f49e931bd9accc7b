"""Read GCTX: expression in HDF5, with metadata read at once and the matrix on demand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ExpressionFormatError
from napari_tide.transcriptomes.expression_table import LEVELS, repeated_id
from napari_tide.transcriptomes.gctx_layout import (
    GENE_GROUP,
    LEVEL_ATTRIBUTE,
    MATRIX,
    SAMPLE_GROUP,
)
from napari_tide.transcriptomes.matrix_slices import read_slice
from napari_tide.transcriptomes.metadata_values import decode
from napari_tide.transcriptomes.raw_expression import RawExpression
from napari_tide.transcriptomes.selection import Positions


@dataclass(frozen=True, slots=True)
class GctxMatrix:
    """The matrix of a GCTX file, which is open only while it is read."""

    path: Path

    def read(self, samples: Positions, genes: Positions) -> npt.NDArray[np.float32]:
        """Read samples by genes; positions ascend without repeats."""
        with _opened(self.path) as file:
            return read_slice(file[MATRIX], rows=samples, columns=genes)


def read_gctx(path: Path) -> RawExpression:
    """Read a GCTX file's metadata and check that the matrix fits it.

    Raises
    ------
    ExpressionFormatError
        The file is not HDF5, is cut short, or lacks the layout of GCTX.
    """
    with _opened(path) as file:
        n_samples, n_genes = _matrix_shape(path, file)
        samples = _metadata(path, file[SAMPLE_GROUP], n_samples, "sample")
        genes = _metadata(path, file[GENE_GROUP], n_genes, "gene")
        return RawExpression("gctx", samples, genes, GctxMatrix(path), _level(file))


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open for reading; whatever HDF5 stumbles over inside is the file's fault."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, ExpressionFormatError):
            raise
        message = f"{path} is damaged or cut short ({_first_line(error)}); download it again"
        raise ExpressionFormatError(message) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _matrix_shape(path: Path, file: h5py.File) -> tuple[int, int]:
    matrix = file.get(MATRIX)
    if not isinstance(matrix, h5py.Dataset):
        message = (
            f"{path} is HDF5 but not GCTX: it has no {MATRIX}; it holds {sorted(file.keys())[:8]}"
        )
        raise ExpressionFormatError(message)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        message = (
            f"{path} has a matrix of shape {matrix.shape} and type {matrix.dtype}; "
            "expected numbers, samples by genes"
        )
        raise ExpressionFormatError(message)
    n_samples, n_genes = (_n_ids(path, file, group) for group in (SAMPLE_GROUP, GENE_GROUP))
    if matrix.shape != (n_samples, n_genes):
        message = (
            f"{path} names {n_samples} samples and {n_genes} genes, but its matrix is "
            f"{matrix.shape[0]} x {matrix.shape[1]} (samples x genes); "
            "download or write the file again"
        )
        raise ExpressionFormatError(message)
    return n_samples, n_genes


def _n_ids(path: Path, file: h5py.File, group: str) -> int:
    ids = file.get(f"{group}/id")
    if not _is_column(ids):
        message = f"{path} is not GCTX: it has no {group}/id to name what its matrix holds"
        raise ExpressionFormatError(message)
    return len(ids)


def _level(file: h5py.File) -> str:
    stored = file.attrs.get(LEVEL_ATTRIBUTE, b"")
    text = stored.decode("latin-1") if isinstance(stored, bytes) else str(stored)
    return text if text in LEVELS else ""


def _metadata(path: Path, group: h5py.Group, n_expected: int, what: str) -> pd.DataFrame:
    names = [name for name in group if _is_column(group.get(name))]
    for name in names:
        if len(group[name]) != n_expected:
            message = (
                f"{path} has {len(group[name])} values of {name} for {n_expected} {what}s; "
                "download or write the file again"
            )
            raise ExpressionFormatError(message)
    columns = {name: _column(group[name]) for name in names}
    ids = pd.Index([_one_id(value) for value in columns.pop("id")], name="id")
    repeated = repeated_id(ids)
    if repeated is not None:
        message = f"{path} names {what} {repeated!r} more than once; make the ids unique"
        raise ExpressionFormatError(message)
    return pd.DataFrame(columns, index=ids)


def _one_id(value: object) -> str:
    return str(value).strip()


def _is_column(item: object) -> bool:
    """Tell whether something in a metadata group is a list of numbers or of text."""
    if not isinstance(item, h5py.Dataset) or item.ndim != 1:
        return False
    return item.dtype.kind in "Siufb" or h5py.check_string_dtype(item.dtype) is not None


def _column(dataset: h5py.Dataset) -> npt.NDArray[np.generic]:
    """Read numbers as they are and text of any kind as Python text."""
    values = dataset[:]
    if values.dtype.kind == "S":
        try:
            return np.asarray(values.astype(np.str_), dtype=object)  # ASCII, many times faster
        except UnicodeDecodeError:
            pass
    if values.dtype.kind in "SO":
        return np.array(decode(values.tolist()), dtype=object)
    return np.asarray(values)
