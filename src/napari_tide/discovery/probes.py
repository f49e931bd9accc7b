"""What treatments are compared with: one or more profiles that ask one or more questions.

Shapes: Q probes, A questions, D features, T treatments, N draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.permutation import Tail, towards
from napari_tide.errors import ProfileValueError

Measure = Literal["cosine", "projection"]
Combine = Literal["max", "mean"]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """Profiles to compare treatments with.

    Parameters
    ----------
    vectors_QD
        One row a probe, such as a compound's profile at each of its doses.
    question_Q
        Which question a probe belongs to; probes of one question are combined.
    wells_Q
        The rows of the well table a probe is the mean of; empty for what came from elsewhere (a
        prototype, a signature).
    measure
        ``cosine``, or ``projection``: how far a treatment lies along the probe's direction.
    """

    vectors_QD: npt.NDArray[np.float32]
    question_Q: npt.NDArray[np.int64]
    wells_Q: tuple[npt.NDArray[np.int64], ...]
    measure: Measure = "cosine"

    def __post_init__(self) -> None:
        """Refuse probes without a direction."""
        norms = np.linalg.norm(self.vectors_QD, axis=1)
        if not (np.isfinite(norms).all() and (norms > 0).all()):
            message = (
                "the profile asked about is zero or not finite, so nothing can be like it; check "
                "its wells, or ask about something else"
            )
            raise ProfileValueError(message)

    @property
    def n_questions(self) -> int:
        """How many questions are asked."""
        return int(self.question_Q.max()) + 1

    def of_questions(self, chosen: npt.NDArray[np.integer]) -> Probes:
        """Keep some questions, numbered anew in the order given."""
        rows = [np.flatnonzero(self.question_Q == question) for question in chosen]
        kept = np.concatenate(rows)
        numbers = np.repeat(np.arange(len(chosen)), [len(row) for row in rows])
        wells = tuple(self.wells_Q[row] for row in kept)
        return Probes(self.vectors_QD[kept], numbers, wells, self.measure)

    def scores(self, means_TD: Floats) -> npt.NDArray[np.float64]:
        """Compare treatments with every probe, T x Q; a treatment of zeros scores zero."""
        units = self.unit_vectors()
        dots = means_TD @ units.T
        if self.measure == "projection":
            return dots.astype(np.float64)
        norms = np.linalg.norm(means_TD, axis=1, keepdims=True)
        found: npt.NDArray[np.float64] = (dots / np.where(norms > 0, norms, 1)).astype(np.float64)
        return found

    def unit_vectors(self) -> npt.NDArray[np.float32]:
        """Give the probes scaled to length one."""
        norms = np.linalg.norm(self.vectors_QD, axis=1, keepdims=True)
        return np.asarray(self.vectors_QD / norms, np.float32)


def one_question(
    vectors_QD: Floats,
    wells: Sequence[npt.NDArray[np.int64]] = (),
    *,
    measure: Measure = "cosine",
) -> Probes:
    """Ask one question with one or more profiles."""
    none = np.zeros(0, np.int64)
    rows = tuple(wells) or (none,) * len(vectors_QD)
    vectors = np.asarray(vectors_QD, np.float32)
    return Probes(vectors, np.zeros(len(vectors), np.int64), rows, measure)


def combine_scores(
    scores: Floats, question_Q: npt.NDArray[np.int64], *, combine: Combine, tail: Tail
) -> npt.NDArray[np.float64]:
    """Combine doses: ``... x doses x Q`` to ``... x A``, as values that are high when extreme.

    ``max`` takes the dose and probe that is most extreme in the tail, ``mean`` the mean of all.
    """
    n_questions = int(question_Q.max()) + 1
    combined = np.empty((*scores.shape[:-2], n_questions))
    is_plain = n_questions == len(question_Q)  # one probe a question: nothing to gather
    for question in range(1 if is_plain else n_questions):
        chosen = slice(None) if is_plain else question_Q == question
        part = scores[..., chosen]
        if is_plain:
            part = part[..., None, :]  # doses x 1 x A
            axes: tuple[int, int] = (-3, -2)
        else:
            axes = (-2, -1)
        if combine == "max":
            found = towards(part, tail).max(axis=axes)
        else:
            found = towards(part.mean(axis=axes), tail)
        if is_plain:
            return np.asarray(found, np.float64)
        combined[..., question] = found
    return combined
