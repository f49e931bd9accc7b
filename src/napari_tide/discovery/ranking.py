"""Treatments in order of how alike they are to a probe, each with how often chance does as well.

Shapes: G groups of treatments (a compound's doses), A questions, Q probes, N draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.permutation import FIRST_DRAWS, PROMISING_P, Tail, towards
from napari_tide.discovery.probes import Combine, Probes, combine_scores
from napari_tide.discovery.treatments import Treatment, mean_profiles
from napari_tide.discovery.well_table import WellTable

Progress = Callable[[int, int], None]

N_DRAWS = 9_999
_ROUNDING = 1e-6  # a draw of the very same wells differs by that much


class Null(Protocol):
    """Where null scores come from."""

    def draw(
        self, treatment: Treatment, probes: Probes, *, n_draws: int, key: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """Score `n_draws` draws against every probe, N x Q."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Scores and p-values of groups of treatments.

    Parameters
    ----------
    scores_GA
        The score of the dose and probe chosen, or the mean over them; signed.
    p_GA
        How often chance scores as extremely.
    treatment_GA, probe_GA
        Which dose of the group and which probe the score is of; -1 where it is a mean of several.
    n_draws
        The most draws a treatment got.
    """

    scores_GA: npt.NDArray[np.float64]
    p_GA: npt.NDArray[np.float64]
    treatment_GA: npt.NDArray[np.int64]
    probe_GA: npt.NDArray[np.int64]
    n_draws: int


def rank_groups(
    table: WellTable,
    groups: Sequence[Sequence[Treatment]],
    probes: Probes,
    *,
    null: Null,
    tail: Tail = "match",
    combine: Combine = "max",
    n_draws: int = N_DRAWS,
    progress: Progress | None = None,
) -> Ranking:
    """Score every group for every question, with permutation p-values.

    Every group gets `FIRST_DRAWS` draws; those with p up to `PROMISING_P` get `n_draws` in all, so
    that time goes where a small p has to be told from a smaller one.
    """
    shape = len(groups), probes.n_questions
    scores, p_values = np.empty(shape), np.empty(shape)
    which, probe = np.empty(shape, np.int64), np.empty(shape, np.int64)
    for g, group in enumerate(groups):
        found_TQ = probes.scores(mean_profiles(table, list(group)))
        scores[g], which[g], probe[g] = _observed(found_TQ, probes, combine=combine, tail=tail)
        extreme_A = combine_scores(found_TQ, probes.question_Q, combine=combine, tail=tail)
        draw = partial(_draw_group, null, group, g, combine, tail)
        p_values[g] = _p_values(extreme_A, probes, draw, n_draws)
        if progress is not None:
            progress(g + 1, len(groups))
    return Ranking(scores, p_values, which, probe, n_draws)


def _draw_group(
    null: Null,
    group: Sequence[Treatment],
    number: int,
    combine: Combine,
    tail: Tail,
    probes: Probes,
    n_draws: int,
    stage: int,
) -> npt.NDArray[np.float64]:
    """Draw every dose of a group by itself, and combine the doses as the observed ones are."""
    nulls = [
        null.draw(treatment, probes, n_draws=n_draws, key=(number, dose, stage))
        for dose, treatment in enumerate(group)
    ]
    return combine_scores(np.stack(nulls, axis=1), probes.question_Q, combine=combine, tail=tail)


def _p_values(
    extreme_A: npt.NDArray[np.float64],
    probes: Probes,
    draw: Callable[[Probes, int, int], npt.NDArray[np.float64]],
    n_draws: int,
) -> npt.NDArray[np.float64]:
    n_first = min(FIRST_DRAWS, n_draws)
    reached_A = extreme_A - _ROUNDING
    n_as_extreme = (draw(probes, n_first, 0) >= reached_A).sum(axis=0)
    p_values: npt.NDArray[np.float64] = (n_as_extreme + 1) / (n_first + 1)
    promising = np.flatnonzero(p_values <= PROMISING_P)
    n_more = n_draws - n_first
    if n_more and len(promising):
        more = draw(probes.of_questions(promising), n_more, 1)
        n_as_extreme = n_as_extreme[promising] + (more >= reached_A[promising]).sum(axis=0)
        p_values[promising] = (n_as_extreme + 1) / (n_draws + 1)
    return p_values


def _observed(
    found_TQ: npt.NDArray[np.float64], probes: Probes, *, combine: Combine, tail: Tail
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    n_questions = probes.n_questions
    scores = np.empty(n_questions)
    which, probe = np.full(n_questions, -1), np.full(n_questions, -1)
    for question in range(n_questions):
        columns = np.flatnonzero(probes.question_Q == question)
        part = found_TQ[:, columns]
        if combine == "mean" and part.size > 1:
            scores[question] = part.mean()
            if part.shape[0] == 1:
                which[question] = 0
            if part.shape[1] == 1:
                probe[question] = columns[0]
            continue
        row, column = np.unravel_index(int(towards(part, tail).argmax()), part.shape)
        scores[question] = part[row, column]
        which[question], probe[question] = row, columns[column]
    return scores, which, probe
