"""Treatments: the wells that had the same compound at the same dose, or the same gene.

Shapes: N wells, D features, T treatments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.similar_names import did_you_mean
from napari_tide.discovery.well_table import WellTable
from napari_tide.errors import ProfileValueError

Kind = Literal["compound", "gene"]


@dataclass(frozen=True, slots=True, eq=False)
class Treatment:
    """A treatment and the wells it was given to.

    Parameters
    ----------
    kind, name
        A compound or a gene, and which.
    dose_um
        Micromolar; NaN for genes, and for compounds without a dose.
    smiles
        The compound's structure, where it is known.
    rows_n
        Positions of its wells in the well table.
    """

    kind: Kind
    name: str
    dose_um: float
    smiles: str
    rows_n: npt.NDArray[np.int64]


def treatments_of(table: WellTable, kind: Kind) -> list[Treatment]:
    """List the treatments of a kind, by name and rising dose."""
    wells = table.wells[table.wells["kind"] == kind]
    found = []
    for _, rows in wells.groupby(["name", "dose_um"], sort=True, dropna=False):
        smiles = next((text for text in rows["smiles"] if text), "")
        name, dose = str(rows["name"].iloc[0]), float(rows["dose_um"].iloc[0])
        positions = rows.index.to_numpy(dtype=np.int64)
        found.append(Treatment(kind, name, dose, str(smiles), positions))
    return found


def treatments_named(table: WellTable, kind: Kind, name: str) -> list[Treatment]:
    """Give one compound's doses, or one gene; names are told apart by case only where they must.

    Raises
    ------
    ProfileValueError
        There is none of that name.
    """
    known = list(map(str, table.wells.loc[table.wells["kind"] == kind, "name"].unique()))
    chosen = name if name in known else _by_folded_name(name, known)
    if chosen is None:
        message = f"no {kind} {name!r} in these profiles; {did_you_mean(name, known, of=kind)}"
        raise ProfileValueError(message)
    return [found for found in treatments_of(table, kind) if found.name == chosen]


def mean_profiles(table: WellTable, treatments: list[Treatment]) -> npt.NDArray[np.float32]:
    """Give each treatment's mean over its wells, T x D."""
    means = np.empty((len(treatments), table.rows_ND.shape[1]), np.float32)
    for position, treatment in enumerate(treatments):
        means[position] = table.rows_ND[treatment.rows_n].mean(axis=0)
    return means


def _by_folded_name(name: str, known: list[str]) -> str | None:
    matching = [text for text in known if text.casefold() == name.strip().casefold()]
    return matching[0] if len(matching) == 1 else None
