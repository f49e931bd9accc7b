"""Percentile bootstrap intervals, over one source of chance or over two nested ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

N_RESAMPLES = 1000
LEVEL = 0.95
_VALUES_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Where an estimate would lie if the units it was made from were drawn again.

    Parameters
    ----------
    low, high
        The 2.5th and 97.5th percentile of the resampled estimates.
    over
        What was drawn again, such as ``compounds`` or ``classes, then runs``.
    """

    low: float
    high: float
    over: str
    n_resamples: int

    def __contains__(self, value: float) -> bool:
        """Tell whether a value lies inside."""
        return self.low <= value <= self.high


def percentile_interval(estimates: npt.ArrayLike, *, over: str) -> Interval:
    """Give the interval that holds 95 % of resampled estimates; NaN ones are left out."""
    values = np.asarray(estimates, np.float64)
    finite = values[np.isfinite(values)]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail]) if len(finite) else (np.nan, np.nan)
    return Interval(float(low), float(high), over, len(finite))


def interval_of_mean(
    values_N: npt.ArrayLike,
    *,
    over: str,
    clusters_N: npt.ArrayLike | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Interval of a mean; rows of one cluster are drawn together, NaN values left out."""
    values = np.asarray(values_N, np.float64)
    is_given = np.isfinite(values)
    names = np.arange(len(values)) if clusters_N is None else np.asarray(clusters_N)
    cluster = np.unique(names[is_given], return_inverse=True)[1]
    sums = np.bincount(cluster, values[is_given]).astype(np.float64)
    counts = np.bincount(cluster).astype(np.float64)
    return interval_of_ratio(sums, counts, over=over, n_resamples=n_resamples, seed=seed)


def interval_of_ratio(
    sums_U: Floats, counts_U: Floats, *, over: str, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Interval of a total over a total, where each unit brings a part to both."""
    random, n_units = np.random.default_rng(seed), len(sums_U)
    if not n_units:
        return Interval(np.nan, np.nan, over, 0)
    estimates: list[float] = []
    for n_now in _parts(n_resamples, n_units):
        drawn = random.integers(n_units, size=(n_now, n_units))
        with np.errstate(invalid="ignore"):
            estimates += list(sums_U[drawn].sum(axis=1) / counts_U[drawn].sum(axis=1))
    return percentile_interval(estimates, over=over)


def interval_of_nested_ratio(
    sums_CR: Floats, counts_CR: Floats, *, over: str, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> Interval:
    """Interval that draws the rows again and, within each drawn row, its columns.

    The outer units (classes, worlds) are what a result should hold for; the inner ones (runs,
    seeds) are how often it was measured.
    """
    random = np.random.default_rng(seed)
    n_outer, n_inner = sums_CR.shape
    if not n_outer or not n_inner:
        return Interval(np.nan, np.nan, over, 0)
    estimates: list[float] = []
    for n_now in _parts(n_resamples, n_outer * n_inner):
        outer = random.integers(n_outer, size=(n_now, n_outer, 1))
        inner = random.integers(n_inner, size=(n_now, n_outer, n_inner))
        sums, counts = sums_CR[outer, inner], counts_CR[outer, inner]
        with np.errstate(invalid="ignore"):
            estimates += list(sums.sum(axis=(1, 2)) / counts.sum(axis=(1, 2)))
    return percentile_interval(estimates, over=over)


def _parts(n_resamples: int, n_values: int) -> list[int]:
    """Cut the resamples so that one part's draws fit in memory."""
    at_once = max(1, min(n_resamples, _VALUES_AT_ONCE // max(n_values, 1)))
    full, rest = divmod(n_resamples, at_once)
    return [at_once] * full + ([rest] if rest else [])
