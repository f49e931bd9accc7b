"""From tiles to sites, wells and treatments: the mean or median over rows that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.profiles import Level, Profiles

TREATMENT = (
    "Metadata_Cell_Line",
    "Metadata_Perturbation_Type",
    "Metadata_Compound",
    "Metadata_Dose_uM",
    "Metadata_Gene",
    "Metadata_Control",
)
KEYS: Mapping[Level, tuple[str, ...]] = {
    "site": ("Metadata_Plate", "Metadata_Well", "Metadata_Site"),
    "well": ("Metadata_Plate", "Metadata_Well"),
    "treatment": TREATMENT,
}
_FINENESS = ("cell", "tile", "site", "well", "treatment")


def aggregate_to_level(
    profiles: Profiles, level: Level, *, how: Literal["mean", "median"] = "mean"
) -> Profiles:
    """Aggregate to a coarser level.

    Raises
    ------
    ProfileValueError
        The level is not coarser than the profiles' own, or is none.
    """
    if level not in KEYS:
        message = f"profiles are aggregated to one of {list(KEYS)}, not {level!r}"
        raise ProfileValueError(message)
    if _FINENESS.index(level) < _FINENESS.index(profiles.level):
        message = f"{profiles.level} profiles cannot become {level} profiles; use finer ones"
        raise ProfileValueError(message)
    present = [name for name in KEYS[level] if name in profiles.metadata.columns]
    return replace(aggregate_by(profiles, present, how=how), level=level)


def aggregate_by(
    profiles: Profiles, keys: Sequence[str], *, how: Literal["mean", "median"] = "mean"
) -> Profiles:
    """Put rows with equal keys together, in order of first appearance.

    Metadata that is the same in a whole group is kept; where it differs it is left out, and
    ``Metadata_Count`` says how many rows a group had. Values that are not finite are ignored.

    Raises
    ------
    ProfileValueError
        A key is no metadata column.
    """
    missing = [key for key in keys if key not in profiles.metadata.columns]
    if missing or not keys:
        available = [name for name in profiles.metadata.columns if name in TREATMENT]
        message = f"cannot aggregate by {missing or 'nothing'}. Available: {available}"
        raise ProfileValueError(message)
    groups = profiles.metadata.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    metadata = _common_metadata(profiles.metadata, groups, n_groups)
    features = _mean(profiles, groups, n_groups) if how == "mean" else _median(profiles, groups)
    return replace(profiles, metadata=metadata, features=features)


def _mean(profiles: Profiles, groups: np.ndarray, n_groups: int) -> np.ndarray:
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(n_groups))
    values = profiles.features[order].astype(np.float64)
    is_finite = np.isfinite(values)
    sums = np.add.reduceat(np.where(is_finite, values, 0.0), starts, axis=0)
    counts = np.add.reduceat(is_finite, starts, axis=0, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        return (sums / counts).astype(profiles.features.dtype)


def _median(profiles: Profiles, groups: np.ndarray) -> np.ndarray:
    finite = np.where(np.isfinite(profiles.features), profiles.features, np.nan)
    table = pd.DataFrame(finite).groupby(groups, sort=True).median()
    return table.to_numpy().astype(profiles.features.dtype)


def _common_metadata(metadata: pd.DataFrame, groups: np.ndarray, n_groups: int) -> pd.DataFrame:
    grouped = metadata.groupby(groups, sort=True)
    first = grouped.head(1).set_index(groups[~pd.Series(groups).duplicated().to_numpy()])
    first = first.sort_index().reset_index(drop=True)
    n_distinct = grouped.nunique(dropna=False)
    for name in metadata.columns:
        differs = (n_distinct[name] > 1).to_numpy()
        if differs.all() and n_groups:
            first = first.drop(columns=[name])
        elif differs.any():
            first[name] = first[name].astype(object).where(~differs, None)
    first["Metadata_Count"] = np.bincount(groups, minlength=n_groups)
    return first
