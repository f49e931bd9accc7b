"""Planes on disk: 16-bit TIFF, deflate with the horizontal predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_tide.errors import OutputWriteError, SimulationValueError


def write_plane_tiff(
    path: Path, plane: NDArray[np.uint16], *, pixel_size_um: float | None = None
) -> None:
    """Write one plane so that tifffile, ImageJ and CellProfiler read it.

    The file holds no date and no name of a program: equal planes give equal bytes. It appears under
    its name only when it is complete.

    Raises
    ------
    SimulationValueError
        The plane is not a 2-D array of unsigned 16-bit integers.
    OutputWriteError
        The file cannot be written.
    """
    if plane.ndim != 2 or plane.dtype != np.uint16:
        message = f"a plane of {plane.dtype} with shape {plane.shape}; expected 2-D uint16"
        raise SimulationValueError(message)
    partial = path.with_name(f".{path.name}.part")
    try:
        _write(partial, plane, pixel_size_um)
        partial.replace(path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        message = f"{path} cannot be written ({e.strerror or e}); check space and permissions"
        raise OutputWriteError(message) from e


def _write(path: Path, plane: NDArray[np.uint16], pixel_size_um: float | None) -> None:
    pixels_per_cm = None if pixel_size_um is None else 1e4 / pixel_size_um
    tifffile.imwrite(
        path,
        plane,
        byteorder="<",
        photometric="minisblack",
        compression="adobe_deflate",
        compressionargs={"level": 6},
        predictor=True,
        rowsperstrip=plane.shape[0],
        resolution=None if pixels_per_cm is None else (pixels_per_cm, pixels_per_cm),
        resolutionunit="NONE" if pixels_per_cm is None else "CENTIMETER",
        metadata=None,
        software=False,
    )
