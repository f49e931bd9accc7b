"""From searches to a hit list: ranked, tested, flagged.

Shapes: G groups of treatments, A questions, R rows of the list.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.control_null import ControlNull
from napari_tide.discovery.false_discovery import q_values
from napari_tide.discovery.hit_flags import HitFlags
from napari_tide.discovery.hit_table import COLUMNS
from napari_tide.discovery.known_targets import KnownTargets
from napari_tide.discovery.label_null import LabelNull
from napari_tide.discovery.permutation import Tail, towards
from napari_tide.discovery.probes import Combine
from napari_tide.discovery.queries import Search
from napari_tide.discovery.ranking import N_DRAWS, Ranking, rank_groups
from napari_tide.discovery.treatments import Treatment
from napari_tide.discovery.well_table import FEWEST_CONTROLS
from napari_tide.errors import ProfileValueError

if TYPE_CHECKING:  # a student brings torch along, which most questions do not need
    from napari_tide.discovery.codebook_query import DrugProbabilities

NullKind = Literal["controls", "labels"]
Doses = Literal["max", "mean", "each"]
Progress = Callable[[int, int], None]

_SEPARATOR = "|"
_NOT_DESCRIBED = ("rank", "score", "direction", "p_value", "q_value", "date")
_DESCRIBED = [name for name in COLUMNS if name not in _NOT_DESCRIBED]


@dataclass(frozen=True, slots=True)
class HitSettings:
    """How hits are found.

    Parameters
    ----------
    tail
        ``match`` (alike first), ``anti-match`` (opposite first) or ``both`` (by size).
    doses
        ``max``: the dose that stands out most; ``mean``: the mean over doses; ``each``: a row a
        dose.
    null
        Where chance is taken from; nothing for controls where there are enough, else labels.
    n_draws, seed
        Draws behind a small p-value, and what makes them repeatable.
    min_score
        Rows whose score is smaller (in size, for ``both``) are left out, after q is computed.
    top
        Keep at most so many rows a question; nothing for all.
    """

    tail: Tail = "match"
    doses: Doses = "max"
    null: NullKind | None = None
    n_draws: int = N_DRAWS
    seed: int = 0
    min_score: float | None = None
    top: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that make no list."""
        if self.n_draws < 1 or self.seed < 0 or (self.top is not None and self.top < 1):
            message = (
                f"{self.n_draws} draws, seed {self.seed}, top {self.top}: expected at least one "
                "draw and row, and a seed from 0 on"
            )
            raise ProfileValueError(message)

    @property
    def combine(self) -> Combine:
        """How doses that share a row are combined."""
        return "mean" if self.doses == "mean" else "max"


@dataclass(frozen=True, slots=True, eq=False)
class HitSource:
    """What a row of the list is of."""

    search: Search
    question: int
    group: tuple[Treatment, ...]
    treatment: Treatment | None
    probe: int

    @property
    def wells(self) -> npt.NDArray[np.int64]:
        """The wells the row is about: those of its dose, or of all doses."""
        if self.treatment is not None:
            return self.treatment.rows_n
        return np.concatenate([treatment.rows_n for treatment in self.group])


@dataclass(frozen=True, slots=True, eq=False)
class HitList:
    """A hit list and how it came about.

    Parameters
    ----------
    table
        The columns of ``hits.csv``.
    sources
        What each row is of.
    null, null_reason
        Where chance was taken from, and why, in a sentence.
    n_tested
        How many tests the q-values account for.
    """

    table: pd.DataFrame
    sources: tuple[HitSource, ...]
    null: NullKind
    null_reason: str
    n_tested: int


def find_hits(
    searches: Sequence[Search],
    settings: HitSettings,
    *,
    targets: KnownTargets | None = None,
    probabilities: DrugProbabilities | None = None,
    progress: Progress | None = None,
) -> HitList:
    """Rank the treatments of one or more searches in one list.

    Raises
    ------
    ProfileValueError
        Nothing is there to rank, or the null asked for cannot be drawn.
    """
    usable = [search for search in searches if search.treatments]
    if not usable:
        message = "these profiles hold no compound or gene to rank; add the plates that do"
        raise ProfileValueError(message)
    kind, reason = choose_null(usable[0], settings.null)
    found = [(search, *_rank(search, settings, kind, progress=progress)) for search in usable]
    p_all = np.concatenate([ranking.p_GA.ravel() for _, _, ranking in found])
    q_all, first = q_values(p_all), 0
    parts: list[pd.DataFrame] = []
    sources: list[HitSource] = []
    for search, groups, ranking in found:
        q_GA = q_all[first : first + ranking.p_GA.size].reshape(ranking.p_GA.shape)
        first += ranking.p_GA.size
        chosen = _chosen(ranking, settings)
        here = [_source(search, groups, ranking, g, a) for g, a in chosen]
        numbers = pd.DataFrame(
            [(ranking.scores_GA[g, a], ranking.p_GA[g, a], q_GA[g, a]) for g, a in chosen],
            columns=["score", "p_value", "q_value"],
            dtype=float,
        )
        texts = _describe(here, targets, probabilities)
        parts.append(pd.concat([texts, numbers], axis=1))
        sources += here
    table, order = _ordered(pd.concat(parts, ignore_index=True), settings.tail)
    return HitList(table, tuple(sources[row] for row in order), kind, reason, len(p_all))


def choose_null(search: Search, asked: NullKind | None) -> tuple[NullKind, str]:
    """Choose where chance is taken from, and say why.

    Raises
    ------
    ProfileValueError
        Controls are asked for and there are too few.
    """
    unit = search.table.unit
    if unit == "none":
        few = f"some plates and batches have fewer than {FEWEST_CONTROLS} negative controls"
        if asked == "controls":
            message = f"{few}, so they cannot be the null; use --null labels"
            raise ProfileValueError(message)
        return "labels", f"labels of treated wells were shuffled, since {few}"
    if asked == "labels":
        return "labels", "labels of treated wells were shuffled, as asked"
    return "controls", (
        f"wells were drawn from each {unit}'s negative controls, of which every one has at least "
        f"{FEWEST_CONTROLS}"
    )


def _rank(
    search: Search, settings: HitSettings, kind: NullKind, *, progress: Progress | None
) -> tuple[list[tuple[Treatment, ...]], Ranking]:
    groups = _groups(search.treatments, is_per_dose=settings.doses == "each")
    seed = settings.seed
    if kind == "controls":
        null: ControlNull | LabelNull = ControlNull(search.table, seed=seed)
    else:
        null = LabelNull(search.table, search.treatments, seed=seed)
    ranking = rank_groups(
        search.table,
        groups,
        search.probes,
        null=null,
        tail=settings.tail,
        combine=settings.combine,
        n_draws=settings.n_draws,
        progress=progress,
    )
    return groups, ranking


def _groups(treatments: Sequence[Treatment], *, is_per_dose: bool) -> list[tuple[Treatment, ...]]:
    if is_per_dose:
        return [(treatment,) for treatment in treatments]
    return [tuple(group) for _, group in groupby(treatments, key=lambda found: found.name)]


def _chosen(ranking: Ranking, settings: HitSettings) -> list[tuple[int, int]]:
    """Choose the rows to keep, the most extreme first within every question."""
    extreme_GA = towards(ranking.scores_GA, settings.tail)
    chosen = []
    for question in range(extreme_GA.shape[1]):
        order = np.argsort(-extreme_GA[:, question], kind="stable")
        if settings.min_score is not None:
            order = order[extreme_GA[order, question] >= settings.min_score]
        chosen += [(int(g), question) for g in order[: settings.top]]
    return chosen


def _source(
    search: Search, groups: list[tuple[Treatment, ...]], ranking: Ranking, g: int, a: int
) -> HitSource:
    which = int(ranking.treatment_GA[g, a])
    treatment = groups[g][which] if which >= 0 else None
    return HitSource(search, a, groups[g], treatment, int(ranking.probe_GA[g, a]))


def _describe(
    sources: Sequence[HitSource],
    targets: KnownTargets | None,
    probabilities: DrugProbabilities | None,
) -> pd.DataFrame:
    flags = {id(source.search.table): HitFlags(source.search.table) for source in sources[:1]}
    rows = []
    for source in sources:
        names = _names(source)
        wells = source.wells
        places = source.search.table.wells.iloc[wells]
        known = targets.is_target(str(names["compound"]), str(names["gene"])) if targets else None
        table = source.search.table
        if id(table) not in flags:
            flags[id(table)] = HitFlags(table)
        rows.append(
            {
                **names,
                "p_drug": _p_drug(source, names["compound"], probabilities),
                "n_replicates": len(wells),
                "plates": _SEPARATOR.join(dict.fromkeys(places["plate"])),
                "wells": _SEPARATOR.join(
                    f"{plate}:{well}"
                    for plate, well in zip(places["plate"], places["well"], strict=True)
                ),
                "known_target": ""
                if known is None or not names["gene"]
                else "yes"
                if known
                else "no",
                "flags": flags[id(table)].of(wells),
                "student": table.student,
            }
        )
    return pd.DataFrame(rows, columns=_DESCRIBED)


def _names(source: HitSource) -> dict[str, object]:
    search, first = source.search, source.group[0]
    asked = search.question_names[source.question]
    probe = search.probe_treatments[source.probe] if source.probe >= 0 else None
    if search.kind == "compound":
        is_of_gene = any(of is not None and of.kind == "gene" for of in search.probe_treatments[:1])
        dose = source.treatment.dose_um if source.treatment is not None else np.nan
        gene = asked if is_of_gene else ""
        return {"compound": first.name, "smiles": first.smiles, "dose_um": dose, "gene": gene}
    of_compound = search.probe_treatments[0]
    smiles = of_compound.smiles if of_compound is not None else ""
    dose = probe.dose_um if probe is not None else np.nan
    return {"compound": asked, "smiles": smiles, "dose_um": dose, "gene": first.name}


def _p_drug(source: HitSource, compound: object, probabilities: DrugProbabilities | None) -> float:
    """Give how probable the row's drug is by the row's other side, mostly by its images."""
    search = source.search
    if search.drug_probabilities is not None:
        return search.drug_probabilities.get(str(compound).casefold(), np.nan)
    if probabilities is None:
        return np.nan
    asked = search.probe_treatments[0]
    if search.kind == "gene" and asked is not None:
        return probabilities.of(str(compound), source.wells)
    if asked is not None and asked.kind == "compound":  # compounds like a compound
        return probabilities.of(asked.name, source.wells)
    questions = search.probes.question_Q == source.question
    wells = [search.probes.wells_Q[probe] for probe in np.flatnonzero(questions)]
    return probabilities.of(str(compound), np.concatenate(wells))


def _ordered(rows: pd.DataFrame, tail: Tail) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    extreme = towards(rows["score"].to_numpy(), tail)
    order = np.lexsort((rows["p_value"].to_numpy(), -extreme))
    table = rows.iloc[order].reset_index(drop=True)
    table["rank"] = np.arange(1, len(table) + 1)
    table["direction"] = np.where(table["score"] >= 0, "match", "anti-match")
    table["date"] = dt.datetime.now(dt.UTC).date().isoformat()
    return table[list(COLUMNS)], order
