"""Illumination functions: how unevenly a channel's light falls on the camera.

Planes are divided by them. A function is used as it was normalised by its author: CellProfiler's
have a robust minimum of 1, Phenix polynomials a mean of 1; intensity ranges are estimated after
the division, so the difference cancels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.io
from scipy.io.matlab import MatReadError

from napari_tide.errors import IlluminationFormatError, PlaneFormatError
from napari_tide.imaging.flatfield_polynomial import FlatfieldPolynomial
from napari_tide.imaging.phenix_flatfield import read_phenix_flatfield
from napari_tide.imaging.planes import read_plane
from napari_tide.plane_address import PlaneAddress

FloatPlane = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class IlluminationFunction:
    """How bright evenly stained cells would look across a plane.

    Parameters
    ----------
    source
        Where it came from, for messages.
    surface
        Either the values themselves (height, width) or the polynomial that gives them.
    """

    source: str
    surface: npt.NDArray[np.generic] | FlatfieldPolynomial
    _evaluated: dict[tuple[int, int], FloatPlane] = field(
        default_factory=dict, init=False, repr=False
    )

    def __post_init__(self) -> None:
        """Keep values as 32-bit floats and refuse ones that cannot be divided by."""
        if not isinstance(self.surface, FlatfieldPolynomial):
            with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
                surface = np.array(self.surface, dtype=np.float32)
            surface.setflags(write=False)
            object.__setattr__(self, "surface", surface)
            self._require_positive(surface)

    def evaluate(self, shape: tuple[int, int]) -> FloatPlane:
        """Give the function's values for planes of `shape`, kept for the next plane.

        Raises
        ------
        IlluminationFormatError
            The function was made for planes of another shape, or falls to zero on this one.
        """
        if shape not in self._evaluated:
            self._evaluated[shape] = self._values(shape)
        return self._evaluated[shape]

    def _values(self, shape: tuple[int, int]) -> FloatPlane:
        if not isinstance(self.surface, FlatfieldPolynomial):
            if self.surface.shape != shape:
                self._refuse_shape(self.surface.shape, shape)
            return self.surface.astype(np.float32, copy=False)
        if not self.surface.fits(shape):
            self._refuse_shape((self.surface.height, self.surface.width), shape)
        values = self.surface.evaluate(shape)
        self._require_positive(values)
        values.setflags(write=False)
        return values

    def _refuse_shape(self, own: tuple[int, ...], shape: tuple[int, int]) -> None:
        message = (
            f"{self.source} is an illumination function for planes of {own}, not of {shape}; "
            "give the one made for these images, or estimate it from the plate"
        )
        raise IlluminationFormatError(message)

    def _require_positive(self, values: FloatPlane) -> None:
        if not (np.isfinite(values).all() and values.min() > 0):
            message = (
                f"{self.source} is not positive everywhere, so planes cannot be divided by it; "
                "estimate the illumination from the plate instead"
            )
            raise IlluminationFormatError(message)


def load_illumination(address: PlaneAddress) -> IlluminationFunction:
    """Read an illumination function: ``.npy``, ``.mat``, an image, or a Phenix index's polynomial.

    Raises
    ------
    PlaneMissingError
        The file is not there.
    IlluminationFormatError
        The file holds no illumination function.
    """
    surface: npt.NDArray[np.generic] | FlatfieldPolynomial
    if address.path.suffix.lower() == ".xml" and address.path.is_file():
        surface = read_phenix_flatfield(address)
    elif address.path.suffix.lower() == ".mat" and address.path.is_file():
        surface = _read_mat(address)
    else:
        try:
            surface = read_plane(address)
        except PlaneFormatError as error:
            message = f"no illumination function: {error}"
            raise IlluminationFormatError(message) from error
    return IlluminationFunction(str(address), surface)


def _read_mat(address: PlaneAddress) -> npt.NDArray[np.generic]:
    """Read CellProfiler's ``Image``, or the only plane a MATLAB file holds."""
    try:
        contents = scipy.io.loadmat(address.path)
    except NotImplementedError as error:
        message = f"{address.path} is a MATLAB 7.3 file; save it with '-v7', or as .npy"
        raise IlluminationFormatError(message) from error
    except (MatReadError, ValueError, TypeError, OSError, LookupError, MemoryError) as error:
        message = f"{address.path} cannot be read as a MATLAB file; copy it again, or save it .npy"
        raise IlluminationFormatError(message) from error
    planes: dict[str, npt.NDArray[np.generic]] = {
        name: values
        for name, values in contents.items()
        if isinstance(values, np.ndarray)
        and values.ndim == 2
        and values.size > 1
        and values.dtype.kind in "uif"
    }
    if "Image" in planes:
        return planes["Image"]
    if len(planes) != 1:
        message = (
            f"{address.path} holds {len(planes)} planes ({', '.join(sorted(planes)) or 'none'}); "
            "expected one, or one named Image as CellProfiler writes it"
        )
        raise IlluminationFormatError(message)
    return next(iter(planes.values()))
