"""Questions to profiles, and what each is compared with.

Shapes: Q probes, D features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.probes import Probes, one_question
from napari_tide.discovery.similar_names import did_you_mean
from napari_tide.discovery.treatments import (
    Kind,
    Treatment,
    mean_profiles,
    treatments_named,
    treatments_of,
)
from napari_tide.discovery.well_table import WellTable
from napari_tide.errors import PlateValueError, ProfileValueError
from napari_tide.screens.well import Well

QueryKind = Literal["compound", "gene", "similar", "wells", "smiles", "signature", "pairs"]
QUERY_KINDS: tuple[QueryKind, ...] = get_args(QueryKind)


@dataclass(frozen=True, slots=True)
class Query:
    """What a user asks.

    Parameters
    ----------
    kind
        ``compound``: genes it acts like. ``gene``: compounds that act like its knock-out.
        ``similar``: compounds like a compound. ``wells``, ``smiles``, ``signature``: compounds and
        genes like some wells, a structure, an expression signature. ``pairs``: every compound with
        every gene.
    asked
        The name, structure, file, or well names that it is about.
    """

    kind: QueryKind
    asked: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in words."""
        what = ", ".join(self.asked[:5]) + (" ..." if len(self.asked) > 5 else "")
        return {
            "compound": f"genes that {what} acts like",
            "gene": f"compounds that act like the knock-out of {what}",
            "similar": f"compounds that act like {what}",
            "wells": f"compounds and genes like wells {what}",
            "smiles": f"compounds and genes like the structure {what}",
            "signature": f"compounds and genes like the signature {what}",
            "pairs": "every compound with every gene",
        }[self.kind]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A question made ready: probes, and the treatments that are ranked by them.

    Parameters
    ----------
    table
        The wells that are compared.
    probes, probe_treatments
        What they are compared with, and the treatment each probe is of, where it is of one.
    question_names
        One name a question.
    kind
        Whether compounds or genes are ranked.
    treatments
        Those that are ranked.
    drug_probabilities
        How probable each drug is by what was asked itself, by case-folded name; nothing where only
        images can say.
    """

    table: WellTable
    probes: Probes
    probe_treatments: tuple[Treatment | None, ...]
    question_names: tuple[str, ...]
    kind: Kind
    treatments: tuple[Treatment, ...]
    drug_probabilities: Mapping[str, float] | None = None


def search_compound(table: WellTable, name: str, *, is_per_dose: bool = False) -> Search:
    """Ask which genes a compound acts like, with all its doses or with each by itself.

    Raises
    ------
    ProfileValueError
        The profiles have no such compound, or no genes.
    """
    doses = treatments_named(table, "compound", name)
    probes = _of_treatments(table, doses)
    if is_per_dose:
        probes = Probes(probes.vectors_QD, np.arange(len(doses)), probes.wells_Q)
    names = tuple(dose.name for dose in doses) if is_per_dose else (doses[0].name,)
    return Search(table, probes, tuple(doses), names, "gene", _present(table, "gene"))


def search_gene(table: WellTable, name: str) -> Search:
    """Ask which compounds act like a gene's knock-out.

    Raises
    ------
    ProfileValueError
        The profiles have no such gene, or no compounds.
    """
    genes = treatments_named(table, "gene", name)
    probes = _of_treatments(table, genes)
    return Search(
        table, probes, tuple(genes), (genes[0].name,), "compound", _present(table, "compound")
    )


def search_pairs(table: WellTable) -> Search:
    """Ask of every gene which compounds act like its knock-out.

    Raises
    ------
    ProfileValueError
        The profiles have no genes, or no compounds.
    """
    genes = _present(table, "gene")
    probes = _of_treatments(table, genes)
    each = Probes(probes.vectors_QD, np.arange(len(genes)), probes.wells_Q)
    names = tuple(gene.name for gene in genes)
    return Search(table, each, genes, names, "compound", _present(table, "compound"))


def search_similar(table: WellTable, name: str) -> Search:
    """Ask which other compounds act like a compound.

    Raises
    ------
    ProfileValueError
        The profiles have no such compound, or no other.
    """
    doses = treatments_named(table, "compound", name)
    others = tuple(found for found in _present(table, "compound") if found.name != doses[0].name)
    if not others:
        message = f"{doses[0].name} is the only compound in these profiles; give more of them"
        raise ProfileValueError(message)
    probes = _of_treatments(table, doses)
    return Search(table, probes, tuple(doses), (doses[0].name,), "compound", others)


def search_wells(table: WellTable, rows: npt.NDArray[np.int64], kind: Kind) -> Search:
    """Ask what acts like the mean of some wells; those wells are no part of the answer.

    Raises
    ------
    ProfileValueError
        No well is chosen, or nothing else is left to compare with.
    """
    if not len(rows):
        message = "no well is selected; name some, such as --wells B03,B04"
        raise ProfileValueError(message)
    probes = one_question(table.rows_ND[rows].mean(axis=0, keepdims=True), [rows])
    chosen = np.zeros(len(table), bool)
    chosen[rows] = True
    rest = (_without(treatment, chosen) for treatment in treatments_of(table, kind))
    left = tuple(treatment for treatment in rest if len(treatment.rows_n))
    return Search(table, probes, (None,), ("",), kind, left)


def search_vector(table: WellTable, probes: Probes, kind: Kind, *, name: str = "") -> Search:
    """Ask what acts like a probe that is no mean of wells: a prototype or a signature."""
    nothing = (None,) * len(probes.vectors_QD)
    return Search(table, probes, nothing, (name,), kind, tuple(treatments_of(table, kind)))


def rows_of_wells(table: WellTable, names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Find wells such as ``B03`` (on every plate) or ``plate:B03``.

    Raises
    ------
    ProfileValueError
        A well or plate is not there.
    PlateValueError
        A name is no well name.
    """
    plates, wells = table.wells["plate"], _canonical_wells(table)
    found = []
    for name in names:
        plate, _, well = name.strip().rpartition(":")
        if plate and plate not in set(plates):
            hint = did_you_mean(plate, plates.unique(), of="plate")
            message = f"no plate {plate!r} in these profiles; {hint}"
            raise ProfileValueError(message)
        here = wells == Well.parse(well).name
        matching = np.flatnonzero(here & ((plates == plate).to_numpy() if plate else True))
        if not len(matching):
            message = f"well {name.strip()} has no profile; choose a filled well"
            raise ProfileValueError(message)
        found.append(matching)
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _canonical_wells(table: WellTable) -> npt.NDArray[np.object_]:
    def canonical(name: str) -> str:
        try:
            return Well.parse(name).name
        except PlateValueError:
            return name

    known = {name: canonical(name) for name in table.wells["well"].unique()}
    return table.wells["well"].map(known).to_numpy(dtype=object)


def _of_treatments(table: WellTable, treatments: Sequence[Treatment]) -> Probes:
    means = mean_profiles(table, list(treatments))
    return one_question(means, [treatment.rows_n for treatment in treatments])


def _present(table: WellTable, kind: Kind) -> tuple[Treatment, ...]:
    found = tuple(treatments_of(table, kind))
    if not found:
        column = "Metadata_Gene" if kind == "gene" else "Metadata_Compound"
        message = (
            f"these profiles hold no {kind} to rank ({column} is empty); add the plates that do"
        )
        raise ProfileValueError(message)
    return found


def _without(treatment: Treatment, chosen: npt.NDArray[np.bool_]) -> Treatment:
    kept = treatment.rows_n[~chosen[treatment.rows_n]]
    return Treatment(treatment.kind, treatment.name, treatment.dose_um, treatment.smiles, kept)
