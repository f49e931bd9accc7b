"""Random draws of wells, and p-values from how often they do as well.

Shapes: N draws, n wells of a treatment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Tail = Literal["match", "anti-match", "both"]

FIRST_DRAWS = 999
"""Draws every treatment gets; only those that stand out of them get more."""

PROMISING_P = 0.1


@dataclass(frozen=True, slots=True)
class Stratum:
    """A unit's share of a draw: `n_drawn` of the `n_pool` wells from position `first` on."""

    first: int
    n_pool: int
    n_drawn: int


def draw_wells(
    strata: Sequence[Stratum], *, n_draws: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw wells without replacement within every stratum, N x n, stratum after stratum."""
    drawn = [
        stratum.first + _draw(stratum.n_pool, stratum.n_drawn, n_draws, random)
        for stratum in strata
    ]
    return np.concatenate(drawn, axis=1)


def count_p_values(
    observed: npt.NDArray[np.floating], null_N: npt.NDArray[np.floating], *, tail: Tail
) -> npt.NDArray[np.float64]:
    """Give (k + 1) / (N + 1), with k the draws at least as extreme.

    One is added for the wells as they are, which are one of the ways to draw them: so p is never
    zero, and its smallest value says how many draws there were. NaN where nothing was observed.
    """
    ordered = np.sort(towards(null_N, tail), axis=0)
    found = towards(observed, tail)
    n_extreme = len(ordered) - np.searchsorted(ordered, found, side="left")
    p_values = (n_extreme + 1) / (len(ordered) + 1)
    return np.where(np.isnan(found), np.nan, p_values)


def towards(scores: npt.NDArray[np.floating] | np.floating, tail: Tail) -> npt.NDArray[np.float64]:
    """Turn scores so that higher is more extreme in the tail that was asked about."""
    values = np.asarray(scores, np.float64)
    if tail == "both":
        return np.abs(values)
    return values if tail == "match" else -values


def _draw(
    n_pool: int, n_drawn: int, n_draws: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    if n_drawn == 1:
        return random.integers(0, n_pool, (n_draws, 1))
    keys = random.random((n_draws, n_pool))
    if n_drawn == n_pool:
        return np.argsort(keys, axis=1)
    return np.argpartition(keys, n_drawn - 1, axis=1)[:, :n_drawn].astype(np.int64)
