"""Features that cannot be used as they are: constant, mostly missing, or with a few gaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.profiles import Profiles

MOST_MISSING = 0.05
LARGEST = 1e30  # nothing measured is larger, and squares of it are still finite


def clean_features(profiles: Profiles) -> tuple[Profiles, list[str]]:
    """Drop useless features, fill the gaps of the others, and say what was done.

    A feature goes when more than 5 % of its values are missing, infinite or beyond 1e30, or when it
    is constant. A gap in another is filled with the feature's median.

    Raises
    ------
    ProfileValueError
        No feature is left.
    """
    values = profiles.features.astype(np.float64)
    values[~is_usable(values)] = np.nan
    is_missing = np.isnan(values)
    is_sparse = is_missing.mean(axis=0) > MOST_MISSING
    with np.errstate(invalid="ignore"):
        medians = np.array([_median(column) for column in values.T])
        filled = np.where(is_missing, medians, values)
        is_constant = ~is_sparse & (filled.max(axis=0) == filled.min(axis=0))
    kept = ~is_sparse & ~is_constant
    if not kept.any():
        message = (
            f"none of {len(kept)} features can be used: {int(is_sparse.sum())} are mostly missing, "
            f"{int(is_constant.sum())} are constant"
        )
        raise ProfileValueError(message)
    names = [name for name, keep in zip(profiles.feature_names, kept, strict=True) if keep]
    notes = [
        f"{int(number)} {what}"
        for number, what in (
            (is_sparse.sum(), "features dropped: more than 5 % missing or infinite"),
            (is_constant.sum(), "features dropped: constant"),
            (is_missing[:, kept].sum(), "values filled with their feature's median"),
        )
        if number
    ]
    dtype = profiles.features.dtype
    return profiles.with_features(filled[:, kept].astype(dtype), names), notes


def is_usable(values: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Tell which values can be computed with: finite, and small enough to be squared."""
    with np.errstate(invalid="ignore"):
        usable: npt.NDArray[np.bool_] = np.abs(values) <= LARGEST  # NaN is not
    return usable


def _median(column: np.ndarray) -> float:
    present = column[~np.isnan(column)]
    return float(np.median(present)) if len(present) else np.nan
