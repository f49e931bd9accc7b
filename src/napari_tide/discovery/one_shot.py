"""One-shot recognition of interventions: one support row a class, everything else a query.

Two protocols: prototypes only, and a head tuned on augmented supports. The classes are
interventions the student never trained on; the caller sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.bootstrap import Interval, interval_of_nested_ratio, interval_of_ratio
from napari_tide.discovery.interventions import Apart
from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.discovery.ranking_metrics import n_classes_ahead
from napari_tide.discovery.split_check import refuse_leak
from napari_tide.discovery.tuned_head import HeadSettings, control_residuals, tuned_prototypes
from napari_tide.errors import EvaluationValueError

N_RUNS = 50
MOST_QUERIES = 20_000
_MOST_ORDERS = 20
TOP = (1, 5)
SIDES = ("support", "query")
PROTOCOLS = ("prototypes", "tuned head")

Integers = npt.NDArray[np.int64]
Names = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OneShotTask:
    """Rows to recognise.

    Parameters
    ----------
    names_N
        The intervention of every row; empty rows take no part, except controls, from which the
        augmentation learns how wells differ.
    wells_N, plates_N
        Where every row stood.
    sides_N
        Where a split is given: ``support`` or ``query``; other rows take no part.
    """

    features_ND: npt.NDArray[np.floating]
    names_N: Names
    is_control_N: npt.NDArray[np.bool_]
    wells_N: Names
    plates_N: Names
    sides_N: Names | None = None

    def places(self, apart: Apart) -> Names:
        """Give what supports and queries must not share."""
        return self.wells_N if apart == "well" else self.plates_N


@dataclass(frozen=True, slots=True)
class Accuracy:
    """A share of queries, and what it would be if its sources of chance were drawn again."""

    share: float
    over_runs: Interval
    over_classes: Interval


@dataclass(frozen=True, slots=True, eq=False)
class OneShotScores:
    """Accuracy by protocol and number of guesses, and how often a random guess would be right."""

    accuracy: dict[tuple[str, int], Accuracy]
    chance: dict[int, float]
    classes: tuple[str, ...]
    left_out: tuple[str, ...]
    n_runs: int
    n_queries: int


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """One run: a support row per class, and the queries."""

    support_C: Integers
    query_Q: Integers


def one_shot(
    task: OneShotTask,
    *,
    apart: Apart = "well",
    n_runs: int = N_RUNS,
    seed: int = 0,
    protocols: Sequence[str] = PROTOCOLS,
    head: HeadSettings | None = None,
    report: Callable[[int], None] | None = None,
) -> OneShotScores:
    """Recognise every class from one support row, many times over.

    Raises
    ------
    EvaluationValueError
        Fewer than two classes stand in two wells (or plates) or more.
    """
    places = task.places(apart)
    classes, left_out = _classes(task, places, apart)
    label_N = _labels(task.names_N, classes)
    unit_ND = unit_rows(task.features_ND)
    if task.sides_N is not None:
        supports, queries = (places[task.sides_N == side] for side in SIDES)
        refuse_leak(supports, queries, sides=SIDES, apart=apart)
    counts_CR = np.zeros((len(classes), n_runs))
    right = {(protocol, k): np.zeros((len(classes), n_runs)) for protocol in protocols for k in TOP}
    for run in range(n_runs):
        random = np.random.default_rng([seed, run])
        split = (
            draw_split(label_N, places, n_classes=len(classes), random=random)
            if task.sides_N is None
            else _given_split(label_N, task.sides_N, n_classes=len(classes), random=random)
        )
        refuse_leak(places[split.support_C], places[split.query_Q], sides=SIDES, apart=apart)
        own_Q = label_N[split.query_Q]
        counts_CR[:, run] = np.bincount(own_Q, minlength=len(classes))
        for protocol in protocols:
            prototypes = _prototypes(task, unit_ND, split, protocol, head, run + n_runs * seed)
            ahead = n_classes_ahead(unit_ND[split.query_Q] @ prototypes.T, own_Q)
            for k in TOP:
                hits = np.bincount(own_Q, ahead < k, len(classes))
                right[protocol, k][:, run] = hits
        if report is not None:
            report(run + 1)
    return OneShotScores(
        accuracy={key: _accuracy(hits, counts_CR) for key, hits in right.items()},
        chance={k: min(k, len(classes)) / len(classes) for k in TOP},
        classes=tuple(classes),
        left_out=tuple(left_out),
        n_runs=n_runs,
        n_queries=int(counts_CR.sum()),
    )


def draw_split(
    label_N: Integers, places_N: Names, *, n_classes: int, random: np.random.Generator
) -> Split:
    """Draw a support row per class, and as queries all rows that share no place with any support.

    Places are taken for the supports one after the other in random order until every class has one,
    and a place is passed over where some class would be left without a query. So whole plates can
    be kept apart too.
    """
    rows = np.flatnonzero(label_N >= 0)
    place_of, place_numbers = np.unique(places_N[rows].astype(str), return_inverse=True)
    holds_PC = np.zeros((len(place_of), n_classes), bool)
    holds_PC[place_numbers, label_N[rows]] = True
    is_support_P = _support_places(holds_PC, random)
    may_support = rows[is_support_P[place_numbers]]
    query = rows[~is_support_P[place_numbers]]
    support_C = _one_each(label_N, may_support, n_classes=n_classes, random=random)
    if (support_C < 0).any():
        message = (
            f"{int((support_C < 0).sum())} of {n_classes} classes cannot have a support that "
            "shares nothing with the queries; evaluate them by well, or fewer classes"
        )
        raise EvaluationValueError(message)
    return Split(support_C, _at_most(query, random))


def _given_split(
    label_N: Integers, sides_N: Names, *, n_classes: int, random: np.random.Generator
) -> Split:
    is_class = label_N >= 0
    support, query = (np.flatnonzero(is_class & (sides_N == side)) for side in SIDES)
    support_C = _one_each(label_N, support, n_classes=n_classes, random=random)
    return Split(support_C, _at_most(query, random))


def _one_each(
    label_N: Integers, rows: Integers, *, n_classes: int, random: np.random.Generator
) -> Integers:
    """Draw one of the rows for every class; -1 for a class without any."""
    shuffled = random.permutation(rows)
    found, first = np.unique(label_N[shuffled], return_index=True)
    chosen = np.full(n_classes, -1)
    chosen[found] = shuffled[first]
    return chosen


def _at_most(query: Integers, random: np.random.Generator) -> Integers:
    if len(query) <= MOST_QUERIES:
        return query
    return np.sort(random.choice(query, MOST_QUERIES, replace=False))


def _support_places(
    holds_PC: npt.NDArray[np.bool_], random: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Pick places that hold every class and leave each class another place; a few orders."""
    is_support_P = np.zeros(len(holds_PC), bool)
    for _ in range(_MOST_ORDERS):
        is_support_P[:] = False
        is_covered_C = np.zeros(holds_PC.shape[1], bool)
        n_left_C = holds_PC.sum(axis=0)
        for place in random.permutation(len(holds_PC)):
            here = holds_PC[place]
            if (here & ~is_covered_C).any() and (n_left_C[here] > 1).all():
                is_support_P[place] = True
                is_covered_C |= here
                n_left_C = n_left_C - here
        if is_covered_C.all():
            break
    return is_support_P


def _classes(task: OneShotTask, places: Names, apart: Apart) -> tuple[list[str], list[str]]:
    """Give the names that can be on both sides, and the others."""
    distinguished = places if task.sides_N is None else task.sides_N
    seen_in: dict[str, set[str]] = {}
    for name, where in zip(task.names_N, distinguished, strict=True):
        if name:
            seen_in.setdefault(name, set()).add(where)
    needed = set() if task.sides_N is None else set(SIDES)
    classes = sorted(name for name, seen in seen_in.items() if len(seen) > 1 and needed <= seen)
    if len(classes) < 2:
        where = f"two {apart}s or more" if task.sides_N is None else "both sides of the split"
        message = (
            f"{len(classes)} of {len(seen_in)} interventions stand in {where}; one-shot "
            "recognition needs at least two such classes"
        )
        raise EvaluationValueError(message)
    return classes, sorted(seen_in.keys() - set(classes))


def _labels(names: Names, classes: Sequence[str]) -> Integers:
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number.get(name, -1) for name in names], np.int64)


def _prototypes(
    task: OneShotTask,
    unit_ND: Floats,
    split: Split,
    protocol: str,
    head: HeadSettings | None,
    seed: int,
) -> npt.NDArray[np.floating]:
    if protocol == "prototypes":
        return unit_ND[split.support_C]
    support_plates = set(task.plates_N[split.support_C])
    is_near = np.array([plate in support_plates for plate in task.plates_N])
    residuals = control_residuals(
        task.features_ND, task.is_control_N & is_near, plates_N=task.plates_N
    )
    return tuned_prototypes(task.features_ND[split.support_C], residuals, settings=head, seed=seed)


def _accuracy(right_CR: Floats, counts_CR: Floats) -> Accuracy:
    return Accuracy(
        share=float(right_CR.sum() / counts_CR.sum()),
        over_runs=interval_of_ratio(right_CR.sum(axis=0), counts_CR.sum(axis=0), over="runs"),
        over_classes=interval_of_nested_ratio(right_CR, counts_CR, over="classes, then runs"),
    )
