"""How well a ranking brings the right items to the top, and what a random ranking would do.

Items with equal scores count as ranked together: precision is taken where the whole tie has been
let in, half of a tied pair counts as right in the area under the curve, and a tie never makes a
hit. So an embedding that says nothing gains nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from napari_tide.errors import EvaluationValueError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PoolScores:
    """One value per pool of ranked items; NaN where a pool lacks positives or negatives.

    Parameters
    ----------
    ap
        Average precision.
    auc
        Area under the ROC curve.
    n_ahead
        How many negatives score at least as high as the best positive.
    n_positive, n_items
        What the pool holds.
    """

    ap: Floats
    auc: Floats
    n_ahead: Floats
    n_positive: Integers
    n_items: Integers

    def hit_at(self, k: int) -> Floats:
        """Tell for every pool whether a positive is among the first `k`: 1 or 0."""
        return np.where(np.isnan(self.n_ahead), np.nan, self.n_ahead < k)


def score_pools(
    scores_I: npt.NDArray[np.floating], is_positive_I: Bools, *, pool_I: Integers, n_pools: int
) -> PoolScores:
    """Score many rankings of different lengths at once.

    Parameters
    ----------
    scores_I, is_positive_I
        Every item of every pool, one after the other.
    pool_I
        Which pool an item belongs to, from 0.

    Raises
    ------
    EvaluationValueError
        A score is not finite.
    """
    _refuse_gaps(scores_I)
    order = np.lexsort((-scores_I, pool_I))
    score, pool, positive = scores_I[order], pool_I[order], is_positive_I[order].astype(np.int64)
    n_items = np.bincount(pool, minlength=n_pools)
    n_positive = np.bincount(pool, weights=positive, minlength=n_pools).astype(np.int64)
    first, last = _runs(pool, score)
    before_pool = np.concatenate([[0], np.cumsum(n_items)])[:-1][pool]
    n_passed = np.arange(len(pool)) - before_pool  # items of the pool ahead of this one
    positives = np.concatenate([[0], np.cumsum(positive)])
    positives_before_pool = positives[before_pool]
    items_in = n_passed[last] + 1
    positives_in = positives[last + 1] - positives_before_pool
    negatives_in = items_in - positives_in
    negatives_above = n_passed[first] - (positives[first] - positives_before_pool)
    is_hit = positive.astype(bool)
    precision = np.bincount(pool[is_hit], (positives_in / items_in)[is_hit], n_pools)
    overtaken = np.bincount(pool[is_hit], ((negatives_in + negatives_above) / 2)[is_hit], n_pools)
    n_ahead = np.full(n_pools, np.inf)
    np.minimum.at(n_ahead, pool[is_hit], negatives_in[is_hit])
    n_negative = n_items - n_positive
    is_scored = (n_positive > 0) & (n_negative > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = 1 - overtaken / (n_positive * n_negative)
        ap = precision / n_positive
    return PoolScores(
        ap=np.where(is_scored, ap, np.nan),
        auc=np.where(is_scored, auc, np.nan),
        n_ahead=np.where(is_scored, n_ahead, np.nan),
        n_positive=n_positive,
        n_items=n_items,
    )


def average_precision(scores_I: npt.NDArray[np.floating], is_positive_I: Bools) -> float:
    """Give the mean, over the positives, of the precision where each is let in."""
    return float(_one_pool(scores_I, is_positive_I).ap[0])


def area_under_roc(scores_I: npt.NDArray[np.floating], is_positive_I: Bools) -> float:
    """Give the share of pairs of a positive and a negative that are ranked rightly."""
    return float(_one_pool(scores_I, is_positive_I).auc[0])


def hit_at_k(scores_I: npt.NDArray[np.floating], is_positive_I: Bools, *, k: int) -> bool:
    """Tell whether a positive is among the first `k`."""
    return bool(_one_pool(scores_I, is_positive_I).hit_at(k)[0])


def n_classes_ahead(scores_NC: npt.NDArray[np.floating], labels_N: Integers) -> Integers:
    """Count, for every row, the other classes that score at least as high as its own."""
    _refuse_gaps(scores_NC)
    own_N1 = np.take_along_axis(scores_NC, labels_N[:, None], axis=1)
    ahead: Integers = (scores_NC >= own_N1).sum(axis=1) - 1
    return ahead


def top_k_accuracy(scores_NC: npt.NDArray[np.floating], labels_N: Integers, *, k: int = 1) -> float:
    """Give the share of rows whose own class is among the `k` highest."""
    return float((n_classes_ahead(scores_NC, labels_N) < k).mean())


def expected_average_precision(n_positive: npt.ArrayLike, n_items: npt.ArrayLike) -> Floats:
    """Give the mean average precision over all orders of the items, exactly.

    A positive at place n finds there (R - 1)(n - 1)/(N - 1) other positives on average, so the
    precision is (1 + that) / n; the mean over places leaves the harmonic number of N.
    """
    R, N = np.asarray(n_positive, np.float64), np.asarray(n_items, np.int64)
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, max(N.max(initial=1), 1) + 1))])[N]
    with np.errstate(divide="ignore", invalid="ignore"):
        others = np.where(N > 1, (R - 1) / (N - 1), 0.0)
        expected: Floats = (others * (N - harmonic) + harmonic) / N
    return expected


def expected_hit_at_k(n_positive: npt.ArrayLike, n_items: npt.ArrayLike, *, k: int) -> Floats:
    """Give the chance that one of the first `k` of a random order is a positive."""
    R, N = np.asarray(n_positive, np.float64), np.asarray(n_items, np.float64)
    first = np.minimum(k, N)
    with np.errstate(invalid="ignore"):
        log_none = gammaln(N - R + 1) + gammaln(N - first + 1)
        log_none = log_none - gammaln(N + 1) - gammaln(np.maximum(N - R - first, 0) + 1)
    missed: Floats = np.where(first > N - R, 0.0, np.exp(log_none))
    return 1 - missed


def _one_pool(scores_I: npt.NDArray[np.floating], is_positive_I: Bools) -> PoolScores:
    pools = np.zeros(len(scores_I), np.int64)
    return score_pools(
        np.asarray(scores_I), np.asarray(is_positive_I, bool), pool_I=pools, n_pools=1
    )


def _runs(pool: Integers, score: npt.NDArray[np.floating]) -> tuple[Integers, Integers]:
    """Give the first and the last position of every item's tie."""
    n_items = len(pool)
    starts = np.ones(n_items, bool)
    starts[1:] = (pool[1:] != pool[:-1]) | (score[1:] != score[:-1])
    run = np.cumsum(starts) - 1
    first = np.flatnonzero(starts)
    last = np.append(first[1:], n_items) - 1
    return first[run], last[run]


def _refuse_gaps(scores: npt.NDArray[np.floating]) -> None:
    if not np.isfinite(scores).all():
        n_bad = int((~np.isfinite(scores)).sum())
        message = f"{n_bad} scores are not finite; clean the features first: tide align --clean"
        raise EvaluationValueError(message)
