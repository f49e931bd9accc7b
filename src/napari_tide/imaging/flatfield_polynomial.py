"""Flat-field polynomials as Harmony writes them into a Phenix or Operetta index.

A profile is a sum over total degree i and j = 0 .. i of c[i][j] x^(i-j) y^j, with
x = (column - origin[0]) * scale[0] and y = (row - origin[1]) * scale[1]. Harmony does not publish
the order of terms. It was settled on a real, nearly empty field (plate BR00121482): this order
flattens the background of ER from a robust coefficient of variation of .235 to .030 and of Hoechst
from .209 to .017, and each of the seven other ways to lay the surface on the plane leaves at least
a fifth more. All ten profiles of that plate average 1.000 under it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.errors import IlluminationFormatError


@dataclass(frozen=True, slots=True)
class FlatfieldPolynomial:
    """A polynomial over a plane of `width` x `height` pixels."""

    coefficients: tuple[tuple[float, ...], ...]
    width: int
    height: int
    origin: tuple[float, float]
    scale: tuple[float, float]

    @classmethod
    def from_profile(cls, profile: Mapping[str, object], *, source: str) -> FlatfieldPolynomial:
        """Check a ``Profile`` entry and build its polynomial; ``Identity`` is the constant 1."""
        if profile.get("Type") == "Identity":
            return cls(((1.0,),), 0, 0, (0.0, 0.0), (1.0, 1.0))
        rows = profile.get("Coefficients")
        dims = _numbers(profile.get("Dims"), 2)
        origin, scale = _numbers(profile.get("Origin"), 2), _numbers(profile.get("Scale"), 2)
        coefficients = _triangle(rows) if isinstance(rows, list) else None
        if profile.get("Type") != "Polynomial" or not (coefficients and dims and origin and scale):
            message = (
                f"{source} holds a flat-field profile that is no polynomial with Coefficients, "
                "Dims, Origin and Scale; give an illumination function as .npy instead"
            )
            raise IlluminationFormatError(message)
        width, height = (int(length) for length in dims)
        return cls(coefficients, width, height, (origin[0], origin[1]), (scale[0], scale[1]))

    def evaluate(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Give the values at the pixel centres of a plane of `shape`.

        A plane of another size with the same aspect is taken as binned: its pixels stand where
        they lie on the camera.
        """
        height, width = shape
        y = self._coordinates(height, self.height, axis=1)
        x = self._coordinates(width, self.width, axis=0)
        degree = len(self.coefficients) - 1
        x_powers = np.stack([x**power for power in range(degree + 1)])
        y_powers = np.stack([y**power for power in range(degree + 1)])
        table = np.zeros((degree + 1, degree + 1))
        for total, row in enumerate(self.coefficients):
            for y_power, coefficient in enumerate(row):
                table[y_power, total - y_power] = coefficient
        return (y_powers.T @ table @ x_powers).astype(np.float32)

    def fits(self, shape: tuple[int, int]) -> bool:
        """Tell whether a plane of `shape` has the aspect the polynomial was fitted for."""
        height, width = shape
        return self.width == 0 or self.width * height == self.height * width

    def _coordinates(self, length: int, fitted: int, *, axis: int) -> npt.NDArray[np.float64]:
        binning = fitted / length if fitted else 1.0
        centres = (np.arange(length, dtype=np.float64) + 0.5) * binning - 0.5
        coordinates: npt.NDArray[np.float64] = (centres - self.origin[axis]) * self.scale[axis]
        return coordinates


def _triangle(rows: Sequence[object]) -> tuple[tuple[float, ...], ...] | None:
    triangle = []
    for degree, row in enumerate(rows):
        numbers = _numbers(row, degree + 1)
        if numbers is None:
            return None
        triangle.append(numbers)
    return tuple(triangle)


def _numbers(values: object, count: int) -> tuple[float, ...] | None:
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(isinstance(value, float) and math.isfinite(value) for value in values):
        return None
    return tuple(values)
