"""Which rows of a profile table belong to which intervention, and where they stood."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.errors import EvaluationValueError
from napari_tide.profiles.clean import clean_features, is_usable
from napari_tide.profiles.profiles import Profiles

Apart = Literal["well", "plate"]
Names = npt.NDArray[np.object_]

INTERVENTION = "intervention"
_MOST_MISSING_IN_ROW = 0.5


def intervention_names(profiles: Profiles, *, by: str = INTERVENTION) -> Names:
    """Name every row's intervention: its compound or else its gene; empty for negative controls.

    Parameters
    ----------
    by
        Another metadata column to take the names from, such as ``Metadata_moa``.

    Raises
    ------
    EvaluationValueError
        There is no such column.
    """
    if by == INTERVENTION:
        compound, gene = profiles.column("Metadata_Compound"), profiles.column("Metadata_Gene")
        names = compound.where(compound != "", gene).to_numpy(dtype=object)
    elif by in profiles.metadata.columns:
        names = profiles.column(by).to_numpy(dtype=object)
    else:
        available = [str(name) for name in profiles.metadata.columns]
        message = f"the profiles have no column {by!r} to name rows by. Available: {available}"
        raise EvaluationValueError(message)
    return np.where(profiles.is_control, "", names)


def places_of(profiles: Profiles, *, apart: Apart) -> Names:
    """Give every row's plate, or its plate and well.

    Raises
    ------
    EvaluationValueError
        Rows do not say where they stood.
    """
    plate = profiles.column("Metadata_Plate").to_numpy(dtype=object)
    well = profiles.column("Metadata_Well").to_numpy(dtype=object)
    missing = plate == "" if apart == "plate" else (plate == "") | (well == "")
    if missing.any():
        message = (
            f"{int(missing.sum())} of {len(profiles)} {profiles.level} profiles do not say which "
            f"{apart} they come from; evaluate profiles of wells or finer"
        )
        raise EvaluationValueError(message)
    if apart == "plate":
        return plate
    return np.array([f"{p} {w}" for p, w in zip(plate, well, strict=True)], dtype=object)


def treatment_names(profiles: Profiles) -> Names:
    """Name every row's treatment: intervention, dose and cell line; empty for negative controls."""
    names = intervention_names(profiles)
    dose, line = profiles.column("Metadata_Dose_uM"), profiles.column("Metadata_Cell_Line")
    parts = zip(names, dose, line, strict=True)
    return np.array([" @ ".join(filter(None, part)) if part[0] else "" for part in parts], object)


def sides_of(profiles: Profiles, column: str, *, sides: tuple[str, str]) -> Names:
    """Read which side of a given split every row is on.

    Raises
    ------
    EvaluationValueError
        There is no such column, or one of the sides is empty.
    """
    if column not in profiles.metadata.columns:
        available = [str(name) for name in profiles.metadata.columns]
        message = f"the profiles have no column {column!r} for --split. Available: {available}"
        raise EvaluationValueError(message)
    values = profiles.column(column).str.strip().str.lower().to_numpy(dtype=object)
    if not all((values == side).any() for side in sides):
        message = (
            f"{column} must hold {sides[0]!r} and {sides[1]!r}; it has {sorted({*values})[:5]}"
        )
        raise EvaluationValueError(message)
    return values


def usable_profiles(profiles: Profiles) -> tuple[Profiles, list[str]]:
    """Leave out rows and features that cannot be computed with, fill gaps, and say what was done.

    Raises
    ------
    ProfileValueError, EvaluationValueError
        Nothing is left.
    """
    notes: list[str] = []
    is_good = is_usable(profiles.features)
    is_broken = (~is_good).mean(axis=1) > _MOST_MISSING_IN_ROW
    if is_broken.all():
        message = f"none of {len(profiles)} profiles has numbers in half its features; make it anew"
        raise EvaluationValueError(message)
    if is_broken.any():
        notes.append(f"{int(is_broken.sum())} rows left out: half their values are no numbers")
        profiles = profiles.take(~is_broken)
    if len(profiles) == 1:  # every feature of a single row is constant
        return profiles, notes
    cleaned, more = clean_features(profiles)
    return cleaned, [*notes, *more]
