"""Doses that mean the same, made the same: 19.999 and 20, 0.026 and 0.025."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.errors import MoleculeValueError

TOLERANCE_LOG10 = 0.1
"""How far apart, in powers of ten, doses may lie and still be one.

A merged dose lies within this of the dose it takes, so two merged doses are at most 0.2 apart. The
closest series in use double (0.301), JUMP and L1000 step by three (.37, 1.11, 3.33, 10: 0.48), so
neighbours of a series never merge, not even by way of a third. 9.99 and 10 are 0.0004 apart, 10 and
11.1 of L1000 are 0.05, and 0.002 and 0.0025 of RxRx3 (a dose cut to one digit) are 0.097, the
widest pair in the public sets that is one dose. What it costs: 8 and 10 merge too, so a series
whose steps are finer than 1.26 needs a smaller tolerance.
"""


def snap_doses(
    values_um: npt.ArrayLike, *, tolerance_log10: float = TOLERANCE_LOG10
) -> npt.NDArray[np.float64]:
    """Replace doses that differ by rounding with the one most often given.

    The most frequent dose (then the one with fewest digits, then the lowest) stands first; the next
    that is farther than the tolerance from all standing ones stands too, and so on. Every other
    takes the standing dose nearest to it. So a chain 8, 9.2, 10.6 becomes one dose only where its
    middle is the most frequent, and never spans more than twice the tolerance; the result does not
    depend on the order of the values, and snapping again changes nothing. Zeros and NaN stay.

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


def _snap_distinct(
    doses: npt.NDArray[np.float64], counts: npt.NDArray[np.intp], tolerance: float
) -> npt.NDArray[np.float64]:
    logs = np.log10(doses)
    order = sorted(
        range(len(doses)), key=lambda i: (-counts[i], _n_digits(float(doses[i])), doses[i])
    )
    standing: list[int] = []
    for index in order:
        if not standing or np.abs(logs[standing] - logs[index]).min() > tolerance:
            standing.append(index)
    distances = np.abs(logs[:, None] - logs[standing][None, :])
    nearest: npt.NDArray[np.float64] = doses[standing][distances.argmin(axis=1)]
    return nearest


def _n_digits(dose: float) -> int:
    mantissa = repr(dose).split("e")[0]
    return len(mantissa.replace(".", "").strip("0"))
