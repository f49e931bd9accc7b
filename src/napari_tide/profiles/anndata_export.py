"""Profiles as AnnData, for scanpy and its relatives."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_tide.errors import OutputWriteError
from napari_tide.profiles.profiles import Profiles

if TYPE_CHECKING:
    from anndata import AnnData

_NUL, _NOT_A_CHARACTER = "\0", "\N{REPLACEMENT CHARACTER}"  # HDF5 ends text at the first


def write_anndata(profiles: Profiles, path: Path) -> None:
    """Write an ``.h5ad`` file: features in ``X``, metadata in ``obs``, the student in ``uns``.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    import anndata

    obs = profiles.metadata.copy()
    obs.index = pd.Index([str(row) for row in range(len(obs))])
    for name in obs.columns:
        if not pd.api.types.is_numeric_dtype(obs[name]):
            texts = profiles.column(str(name)).str.replace(_NUL, _NOT_A_CHARACTER, regex=False)
            obs[name] = pd.Categorical(texts.to_numpy(dtype=object))
    table = anndata.AnnData(
        X=np.ascontiguousarray(profiles.features),
        obs=obs,
        var=pd.DataFrame(index=pd.Index(profiles.feature_names)),
        uns={"level": profiles.level, "student": profiles.student},
    )
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(_as_bytes(table))
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"cannot write {path} ({error}); choose another --out"
        raise OutputWriteError(message) from error


def _as_bytes(table: AnnData) -> memoryview:
    """Write the file in memory first: on a full disk HDF5 fails many times over, even at exit."""
    import h5py
    from anndata.io import write_elem

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write_elem(file, "/", table)
    return buffer.getbuffer()
