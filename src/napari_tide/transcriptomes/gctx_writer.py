"""Write expression tables as GCTX 1.0, so that other L1000 software reads them."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ExpressionValueError, OutputWriteError
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_layout import (
    GENE_GROUP,
    LEVEL_ATTRIBUTE,
    MATRIX,
    SAMPLE_GROUP,
    VERSION,
)

_log = logging.getLogger(__name__)

_MISSING_TEXT = "-666"
_SAMPLES_A_CHUNK = 256


def write_gctx(table: ExpressionTable, path: Path) -> None:
    """Write a table as GCTX, whole or not at all; the same table gives the same bytes.

    Missing text becomes ``-666``, as in every L1000 file; missing numbers are NaN.

    Raises
    ------
    ExpressionValueError
        A metadata column cannot be stored under its name, or text holds a NUL.
    OutputWriteError
        The file cannot be written.
    """
    samples = _datasets(table.samples, "sample")
    genes = _datasets(table.genes, "gene")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(partial, "w") as file:
            file.attrs["version"] = np.bytes_(VERSION)
            file.attrs[LEVEL_ATTRIBUTE] = np.bytes_(table.level)
            _create_matrix(file, np.ascontiguousarray(table.values, dtype=np.float32))
            for group, datasets in ((SAMPLE_GROUP, samples), (GENE_GROUP, genes)):
                for name, values in datasets.items():
                    _create(file, f"{group}/{name}", values)
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # HDF5 reports a full disk as either
        _discard(partial)
        message = f"cannot write {path}: {_reason(error)}; choose another place"
        raise OutputWriteError(message) from error


def _reason(error: OSError | RuntimeError) -> str:
    """Say what the system said: HDF5 hides it in the middle of its own long message."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    inside = re.search(r"error message = '([^']+)'", str(error))
    return inside.group(1) if inside else str(error)


def _create_matrix(file: h5py.File, values_NG: npt.NDArray[np.float32]) -> None:
    """Write expression compressed, as other L1000 software does; it loses a quarter of its size."""
    if not values_NG.size:
        _create(file, MATRIX, values_NG)
        return
    n_samples, n_genes = values_NG.shape
    file.create_dataset(
        MATRIX,
        data=values_NG,
        chunks=(min(n_samples, _SAMPLES_A_CHUNK), n_genes),
        compression="gzip",
        shuffle=True,
        track_times=False,
    )


def _create(file: h5py.File, name: str, values: npt.NDArray[np.generic]) -> None:
    file.create_dataset(name, data=values, track_times=False)


def _discard(partial: Path) -> None:
    try:
        partial.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("could not remove %s: %s", partial, error)


def _datasets(frame: pd.DataFrame, what: str) -> dict[str, npt.NDArray[np.generic]]:
    names = [str(column) for column in frame.columns]
    for name in names:
        if name in ("", "id", ".") or "/" in name or "\0" in name or names.count(name) > 1:
            message = f"a {what} column cannot be stored as {name!r} in a GCTX file; rename it"
            raise ExpressionValueError(message)
    columns = (frame.iloc[:, position] for position in range(len(names)))
    stored = {name: _stored(column) for name, column in zip(names, columns, strict=True)}
    return {"id": _text(frame.index.to_series()), **stored}


def _stored(column: pd.Series) -> npt.NDArray[np.generic]:
    if pd.api.types.is_bool_dtype(column.dtype) and not column.isna().any():
        return column.to_numpy(dtype=np.int8)
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        if column.isna().any():
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        if isinstance(column.dtype, np.dtype):
            return column.to_numpy()
        whole = pd.api.types.is_integer_dtype(column.dtype)
        return column.to_numpy(dtype=np.int64 if whole else np.float64)
    return _text(column)


def _text(column: pd.Series) -> npt.NDArray[np.generic]:
    """Encode as UTF-8 of one length: other readers expect fixed-length strings."""
    values = column.astype(object).where(column.notna().to_numpy(), _MISSING_TEXT)
    encoded = [str(value).encode("utf-8", errors="replace") for value in values]
    if any(b"\0" in value for value in encoded):
        message = f"column {column.name!r} holds text with a NUL character, which HDF5 cannot store"
        raise ExpressionValueError(message)
    length = max((len(value) for value in encoded), default=1)
    return np.array(encoded, dtype=h5py.string_dtype("utf-8", length=max(length, 1)))
