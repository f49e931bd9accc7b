"""Doses that mean the same, made the same: 19.999 and 20, 0.026 and 0.025, 0.002 and 0.0025."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from napari_tide.errors import MoleculeValueError

FloatArray = npt.NDArray[np.float64]

TOLERANCE_LOG10 = 0.05
"""How far apart, in powers of ten, doses may lie and still be one: 12 %.

9.99 and 10 are 0.0004 apart, 0.026 and 0.025 of RxRx3 0.017, 10 and 11.1 of L1000 0.045. Doses that
labs tell apart lie farther: 8 and 10 as 20 and 25 are 0.097, doubling is 0.301, threefold 0.48.
"""
ROUNDING_LOG10 = 0.1
"""How far apart doses may lie of which one was written with a single digit.

RxRx3 has 0.002 in 4 of its 380,432 wells where 6,732 have 0.0025, 0.097 apart: as far as 20 and 25,
which are two doses. What tells them apart is that 0.002 is rare, and is 0.0025 cut to one digit. A
tolerance of 0.1 for all (tried first) merged 8 with 10; one for doses in fixed series, taken from
the screen itself, fails where a plate holds one dose of the series.
"""
RARE_SHARE = 0.005
"""A dose in less than this share of all that have one may be another that was rounded."""


def snap_doses(
    values_um: npt.ArrayLike, *, tolerance_log10: float = TOLERANCE_LOG10
) -> npt.NDArray[np.float64]:
    """Replace doses that differ by rounding with the one most often given.

    The most frequent dose (then the one with fewest digits, then the lowest) stands first; the next
    that is not one with any standing dose stands too, and so on. Every other takes the nearest of
    the standing doses it is one with. Two doses are one within the tolerance, or where one is the
    other rounded to a single digit and the rarer is rare (0.002 beside very many 0.0025). So a
    chain 9, 9.8, 10.7 becomes one dose only where its middle is the most frequent; the result does
    not depend on the order of the values, and snapping again changes nothing. Zeros and NaN stay.

    Raises
    ------
    MoleculeValueError
        A dose is negative or infinite, or the tolerance is negative.
    """
    doses = np.asarray(values_um, dtype=np.float64)
    if tolerance_log10 < 0:
        message = f"tolerance_log10 is {tolerance_log10}; expected zero or more"
        raise MoleculeValueError(message)
    wrong = doses[(doses < 0) | np.isinf(doses)]
    if wrong.size:
        message = f"{wrong[0]} is not a dose in micromolar; expected zero or more"
        raise MoleculeValueError(message)
    snapped = doses.copy()
    given = doses > 0
    if given.any():
        distinct, place, counts = np.unique(doses[given], return_inverse=True, return_counts=True)
        snapped[given] = _snap_distinct(distinct, counts, tolerance_log10)[place.reshape(-1)]
    return snapped


def _snap_distinct(doses: FloatArray, counts: npt.NDArray[np.intp], tolerance: float) -> FloatArray:
    order = sorted(
        range(len(doses)), key=lambda i: (-counts[i], _n_digits(float(doses[i])), doses[i])
    )
    most_of_rare = RARE_SHARE * counts.sum()
    standing = np.empty(0)
    for index in order:
        is_rare = counts[index] < most_of_rare
        if _nearest(doses[index], standing, tolerance, is_rare=is_rare) is None:
            standing = np.append(standing, doses[index])
    # only now, since a dose that came to stand later may be nearer
    nearest = [
        _nearest(dose, standing, tolerance, is_rare=count < most_of_rare)
        for dose, count in zip(doses, counts, strict=True)
    ]
    return np.array(nearest, dtype=np.float64)


def _nearest(dose: float, standing: FloatArray, tolerance: float, *, is_rare: bool) -> float | None:
    """Give the nearest standing dose that is one with `dose`, or nothing."""
    distances = np.abs(np.log10(standing) - math.log10(dose))
    for place in distances.argsort(kind="stable"):
        if distances[place] > max(tolerance, ROUNDING_LOG10):
            break
        other = float(standing[place])
        if distances[place] <= tolerance or (is_rare and _is_rounded(dose, other)):
            return other
    return None


def _is_rounded(first: float, second: float) -> bool:
    """Tell whether one is the other, of two digits, rounded up or down to one digit."""
    long, short = sorted((float(first), float(second)), key=_n_digits, reverse=True)
    if (_n_digits(long), _n_digits(short)) != (2, 1):
        return False
    half_of_last_digit = 0.5 * 10.0 ** math.floor(math.log10(short) + 1e-9)
    return abs(long - short) <= half_of_last_digit * (1 + 1e-9)


def _n_digits(dose: float) -> int:
    mantissa = repr(dose).split("e")[0]
    return len(mantissa.replace(".", "").strip("0"))
