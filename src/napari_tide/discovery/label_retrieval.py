"""How close rows with a common label (a target, a mechanism) lie together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.bootstrap import (
    N_RESAMPLES,
    Interval,
    interval_of_mean,
    percentile_interval,
)
from napari_tide.discovery.ranking_metrics import expected_average_precision, score_pools
from napari_tide.errors import EvaluationValueError

MOST_ROWS = 10_000
_PAIR_DRAWS = 2_000_000_000  # more would take minutes
_FEWEST_RESAMPLES = 100

Rows = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RetrievalScore:
    """How well cosine similarity tells pairs with a common label from other pairs.

    Parameters
    ----------
    auc, auc_interval
        Over all pairs: the share of (same, different) pairs of pairs in the right order; chance is
        one half. The interval draws the rows (or their groups) again, with all their pairs.
    ap, ap_interval
        Every row ranks the others; mean average precision over rows that have a partner. The
        interval draws these rows (or groups) again, the rows they are compared with stay.
    chance_ap
        What random similarities give on average with the same numbers of partners.
    """

    auc: float
    auc_interval: Interval
    ap: float
    ap_interval: Interval
    chance_ap: float
    n_rows: int
    n_queries: int
    n_same_pairs: int
    n_pairs: int


def same_label_retrieval(
    embeddings_ND: Rows,
    labels: Sequence[str | Collection[str]],
    *,
    groups: Sequence[object] | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> RetrievalScore:
    """Score how rows with a common label find each other by cosine.

    Parameters
    ----------
    labels
        One label a row, or several (a compound's targets): two rows are the same where they share
        one. Rows with an empty label or none take no part.
    groups
        Rows of one group (replicates of one compound) are never compared with each other.

    Raises
    ------
    EvaluationValueError
        No two rows share a label, all do, there are too many rows, or values are not finite.
    """
    sets = [_as_set(label) for label in labels]
    rows = np.flatnonzero([bool(names) for names in sets])
    group = _numbered(groups if groups is not None else range(len(sets)))[rows]
    same_NN = share_a_label([sets[row] for row in rows])
    cosine_NN = cosines(np.asarray(embeddings_ND)[rows])
    apart_NN = group[:, None] != group[None, :]
    first, second = np.nonzero(np.triu(apart_NN, 1))
    is_same = same_NN[first, second]
    if not is_same.any() or is_same.all():
        message = (
            f"{int(is_same.sum())} of {len(is_same)} pairs of {len(rows)} labelled rows share a "
            "label; retrieval needs some that do and some that do not, so give other labels"
        )
        raise EvaluationValueError(message)
    score = cosine_NN[first, second]
    pairs = _RankedPairs.of(score, is_same, first=group[first], second=group[second])
    query, other = np.nonzero(apart_NN)
    ranked = score_pools(
        cosine_NN[query, other], same_NN[query, other], pool_I=query, n_pools=len(rows)
    )
    is_query = np.isfinite(ranked.ap)
    chance = expected_average_precision(ranked.n_positive[is_query], ranked.n_items[is_query])
    over = "rows" if groups is None else "groups"
    return RetrievalScore(
        auc=pairs.auc(np.ones(group.max() + 1)),
        auc_interval=_interval_of_auc(pairs, group, over=over, n_resamples=n_resamples, seed=seed),
        ap=float(ranked.ap[is_query].mean()),
        ap_interval=interval_of_mean(
            ranked.ap, over=over, clusters_N=group, n_resamples=n_resamples, seed=seed
        ),
        chance_ap=float(chance.mean()),
        n_rows=len(rows),
        n_queries=int(is_query.sum()),
        n_same_pairs=int(is_same.sum()),
        n_pairs=len(is_same),
    )


def cosines(rows_ND: Rows) -> Floats:
    """Give the cosine of every row with every row.

    Raises
    ------
    EvaluationValueError
        There are too many rows, or values are not finite.
    """
    if len(rows_ND) > MOST_ROWS:
        message = (
            f"{len(rows_ND)} rows are too many to compare all with all (at most {MOST_ROWS}); "
            "aggregate them first: tide aggregate --level treatment"
        )
        raise EvaluationValueError(message)
    unit_ND = unit_rows(rows_ND)
    product: Floats = unit_ND @ unit_ND.T
    return product


def unit_rows(rows_ND: Rows) -> Floats:
    """Scale rows to length one; a row of zeros stays, and is like nothing.

    Raises
    ------
    EvaluationValueError
        Values are not finite.
    """
    values = np.asarray(rows_ND, np.float64)
    if not np.isfinite(values).all():
        n_bad = int((~np.isfinite(values)).any(axis=1).sum())
        message = f"{n_bad} of {len(values)} rows hold values that are not finite; clean them first"
        raise EvaluationValueError(message)
    largest = np.abs(values).max(axis=1, keepdims=True, initial=0.0)
    scaled = values / np.where(largest > 0, largest, 1.0)  # squares of large values stay finite
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Floats = scaled / np.where(length > 0, length, 1.0)
    return unit


def share_a_label(sets: Sequence[frozenset[str]]) -> Bools:
    """Tell for every pair of rows whether they share a label."""
    number = {name: i for i, name in enumerate(sorted(frozenset().union(*sets)))}
    has_NL = np.zeros((len(sets), len(number)), np.float32)
    for row, names in enumerate(sets):
        has_NL[row, [number[name] for name in names]] = 1
    shared: Bools = (has_NL @ has_NL.T) > 0
    return shared


@dataclass(frozen=True, slots=True, eq=False)
class _RankedPairs:
    """Pairs from the least to the most similar, so that a weighted AUC is two running sums."""

    is_same: Bools
    first: Integers
    second: Integers
    tie: Integers
    n_ties: int

    @classmethod
    def of(
        cls, score: Floats, is_same: Bools, *, first: Integers, second: Integers
    ) -> _RankedPairs:
        order = np.argsort(score, kind="stable")
        distinct, tie = np.unique(score[order], return_inverse=True)
        return cls(is_same[order], first[order], second[order], tie, len(distinct))

    def auc(self, weight_G: Floats) -> float:
        """Give the AUC where a pair counts as often as its two groups were drawn."""
        weight = weight_G[self.first] * weight_G[self.second]
        same = np.bincount(self.tie, np.where(self.is_same, weight, 0.0), self.n_ties)
        other = np.bincount(self.tie, np.where(self.is_same, 0.0, weight), self.n_ties)
        below = np.cumsum(other) - other / 2
        total = same.sum() * other.sum()
        return float((same * below).sum() / total) if total else float("nan")


def _interval_of_auc(
    pairs: _RankedPairs, group: Integers, *, over: str, n_resamples: int, seed: int
) -> Interval:
    n_affordable = max(_FEWEST_RESAMPLES, _PAIR_DRAWS // max(len(pairs.tie), 1))
    random, present = np.random.default_rng(seed), np.unique(group)
    estimates = []
    for _ in range(min(n_resamples, n_affordable)):
        drawn = random.choice(present, len(present))
        estimates.append(pairs.auc(np.bincount(drawn, minlength=group.max() + 1).astype(float)))
    return percentile_interval(estimates, over=over)


def _as_set(label: str | Collection[str]) -> frozenset[str]:
    names = [label] if isinstance(label, str) else list(label)
    return frozenset(name for name in names if name)


def _numbered(groups: Sequence[object]) -> Integers:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], np.int64)
