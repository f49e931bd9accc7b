"""The wells of one or many profile tables, centred on their own negative controls.

Shapes: N wells, D features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.clean import clean_features, is_usable
from napari_tide.profiles.profiles import Profiles, concatenate

Unit = Literal["plate", "batch", "none"]
Kind = Literal["compound", "gene", "control", ""]

FEWEST_CONTROLS = 8
"""Fewer negative controls than this do not tell how a plate's untreated wells scatter."""

FEWEST_DIRECTIONS = 3
"""Profiles that vary along fewer, by the participation ratio of their covariance, are all alike."""

_QC = "Metadata_QC"
_MOST_CENTRED = 0.9
_FINER = ("cell", "tile", "site")


@dataclass(frozen=True, slots=True, eq=False)
class WellTable:
    """Wells with what was done to them.

    Parameters
    ----------
    rows_ND
        One profile a well, minus the mean of the negative controls of its unit.
    wells
        Columns ``plate, well, batch, cell_line, kind, name, dose_um, smiles, qc``; ``kind`` says
        whether ``name`` is a compound, a gene or a negative control.
    unit_N
        Number of the plate or batch whose controls a well was centred on.
    unit
        Which of the two that is; ``none`` where there are too few controls of either.
    student
        What made the profiles.
    warnings
        What a user should know of the table, one sentence each.
    """

    rows_ND: npt.NDArray[np.float32]
    wells: pd.DataFrame
    unit_N: npt.NDArray[np.int64]
    unit: Unit
    student: str
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the wells."""
        return len(self.wells)

    @property
    def is_control(self) -> npt.NDArray[np.bool_]:
        """Which wells are negative controls."""
        return (self.wells["kind"] == "control").to_numpy()

    def with_rows(self, rows_ND: npt.NDArray[np.float32]) -> WellTable:
        """Give the same wells with other profiles, centred in the same way."""
        return replace(self, rows_ND=_centred(rows_ND, self.unit_N, self.is_control, self.unit))


def join_tables(tables: Sequence[Profiles]) -> Profiles:
    """Put profile tables of one student together, as wells.

    Raises
    ------
    ProfileValueError
        They differ in student or features, stand for treatments, or name a well twice.
    """
    students = {table.student for table in tables}
    if len(students) > 1:
        message = (
            f"the profiles are of different students ({', '.join(map(repr, sorted(students)))}); "
            "query the tables of each student by themselves"
        )
        raise ProfileValueError(message)
    joined = concatenate([wells_of(table) for table in tables])
    keys = joined.metadata[["Metadata_Plate", "Metadata_Well"]].astype(str)
    twice = keys.duplicated()
    if twice.any():
        plate, well = keys[twice].iloc[0]
        message = f"plate {plate} well {well} is in the profiles twice; give each table once"
        raise ProfileValueError(message)
    return joined


def wells_of(profiles: Profiles) -> Profiles:
    """Take finer profiles to wells; what any of a well's sites was flagged for stays with it.

    Raises
    ------
    ProfileValueError
        The profiles stand for treatments, or do not say which well they are of.
    """
    if profiles.level == "treatment":
        message = (
            "treatment profiles have no replicates left to compare; give the tile, site or well "
            "profiles they were made from"
        )
        raise ProfileValueError(message)
    missing = [
        name
        for name in ("Metadata_Plate", "Metadata_Well")
        if name not in profiles.metadata.columns
    ]
    if missing:
        message = (
            f"the profiles have no column {missing[0]}, so replicates cannot be counted; add it"
        )
        raise ProfileValueError(message)
    if profiles.level not in _FINER:
        return profiles
    flags = profiles.column(_QC)
    keys = [profiles.column(name) for name in ("Metadata_Plate", "Metadata_Well")]
    of_well = flags.groupby(keys, sort=False).agg(_joined_flags)
    wells = aggregate_to_level(profiles, "well")
    found = [of_well[tuple(key)] for key in zip(*_place(wells), strict=True)]
    return replace(wells, metadata=wells.metadata.assign(**{_QC: found}))


def well_table(profiles: Profiles) -> WellTable:
    """Clean wells' profiles, and centre them on the negative controls of their plate or batch.

    The plate is taken where every plate has at least `FEWEST_CONTROLS` controls, else the batch,
    else nothing is subtracted but the mean of all wells. Features that cannot be used go or are
    filled, and `warnings` says so.
    """
    cleaned, notes = _clean(profiles)
    wells = _describe(cleaned)
    is_control = (wells["kind"] == "control").to_numpy()
    unit, unit_N = _unit(wells, is_control)
    if unit == "none":
        notes.append(
            f"some batches have fewer than {FEWEST_CONTROLS} negative controls, so profiles were "
            "centred on the mean of all wells"
        )
    rows_ND = _centred(cleaned.features, unit_N, is_control, unit)
    if 0 < _n_directions(rows_ND) < FEWEST_DIRECTIONS:
        notes.append(
            f"the profiles vary along {_n_directions(rows_ND):.1f} directions only, so all cosines "
            "are near 1 or -1 and say little; align with center-scale, or with more controls"
        )
    lines = sorted(set(wells["cell_line"]) - {""})
    if len(lines) > 1:
        notes.append(f"wells of {len(lines)} cell lines ({', '.join(lines)}) count as replicates")
    return WellTable(rows_ND, wells, unit_N, unit, cleaned.student, tuple(notes))


def looks_aligned(profiles: Profiles) -> bool:
    """Tell whether the negative controls have mean zero, as every way of `tide align` leaves them.

    A student's own embeddings never have: no feature of theirs is centred on the controls.
    """
    controls = profiles.features[profiles.is_control].astype(np.float64)
    if not len(controls):
        return False
    is_centred = np.abs(controls.mean(axis=0)) <= 1e-3 * controls.std(axis=0) + 1e-6
    return bool(is_centred.mean() > _MOST_CENTRED)


def _clean(profiles: Profiles) -> tuple[Profiles, list[str]]:
    values = profiles.features
    if is_usable(values).all() and (values.max(axis=0) > values.min(axis=0)).all():
        return profiles, []
    return clean_features(profiles)


def _describe(profiles: Profiles) -> pd.DataFrame:
    gene, compound = profiles.column("Metadata_Gene"), profiles.column("Metadata_Compound")
    kind = profiles.column("Metadata_Perturbation_Type")
    is_gene = (gene != "") & ((kind == "crispr") | ((kind != "compound") & (compound == "")))
    is_control = profiles.is_control
    kinds = np.select(
        [is_control, is_gene, compound != ""], ["control", "gene", "compound"], default=""
    )
    dose = pd.to_numeric(profiles.column("Metadata_Dose_uM"), errors="coerce")
    is_compound = kinds == "compound"
    return pd.DataFrame(
        {
            "plate": profiles.column("Metadata_Plate"),
            "well": profiles.column("Metadata_Well"),
            "batch": profiles.batches,
            "cell_line": profiles.column("Metadata_Cell_Line"),
            "kind": kinds,
            "name": np.where(is_gene, gene, compound),
            "dose_um": _rounded(dose.to_numpy(np.float64)).where(is_compound),
            "smiles": profiles.column("Metadata_SMILES").where(is_compound, ""),
            "qc": profiles.column(_QC),
        }
    ).reset_index(drop=True)


def _rounded(doses: npt.NDArray[np.float64]) -> pd.Series:
    """Keep four digits, so that a dose written twice is one dose."""
    return pd.Series([float(f"{dose:.4g}") for dose in doses])


def _unit(
    wells: pd.DataFrame, is_control: npt.NDArray[np.bool_]
) -> tuple[Unit, npt.NDArray[np.int64]]:
    units: tuple[Unit, Unit] = ("plate", "batch")
    for unit in units:
        codes, names = pd.factorize(wells[unit].astype(str))
        n_controls = np.bincount(codes[is_control], minlength=len(names))
        if len(names) and n_controls.min() >= FEWEST_CONTROLS:
            return unit, codes.astype(np.int64)
    codes, _ = pd.factorize(wells["batch"].astype(str))
    return "none", codes.astype(np.int64)


def _centred(
    rows_ND: npt.NDArray[np.floating],
    unit_N: npt.NDArray[np.int64],
    is_control: npt.NDArray[np.bool_],
    unit: Unit,
) -> npt.NDArray[np.float32]:
    rows = rows_ND.astype(np.float64)
    for number in np.unique(unit_N):
        here = unit_N == number
        rows[here] -= rows[here & is_control if unit != "none" else here].mean(axis=0)
    return rows.astype(np.float32)


def _place(profiles: Profiles) -> tuple[pd.Series, pd.Series]:
    return profiles.column("Metadata_Plate"), profiles.column("Metadata_Well")


def _n_directions(rows_ND: npt.NDArray[np.float32]) -> float:
    """Give the participation ratio: D for even spread over D features, 1 for a single direction."""
    products = rows_ND.T @ rows_ND if rows_ND.shape[1] < len(rows_ND) else rows_ND @ rows_ND.T
    total = float(np.trace(products, dtype=np.float64))
    return total**2 / float((products.astype(np.float64) ** 2).sum()) if total > 0 else 0.0


def _joined_flags(flags: pd.Series) -> str:
    found = dict.fromkeys(flag for text in flags for flag in text.split("|") if flag)
    return "|".join(found)
