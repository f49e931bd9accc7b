"""Scores of one drug from what was kept of an embedding: a product, never a pass of the network.

An embedding is placed among the prototypes once, with the logarithm of the softmax's denominator.
From then on a drug's cosine is one product with its prototype, and its probability one exponential
more, however many drugs there are.

Shapes: D embedding width, K drugs, ``...`` any (tiles, patches, wells, cells).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.students.bundle import Bundle
from napari_tide.students.student import Student

Floats = npt.NDArray[np.float32]
Rows = int | slice | tuple[int, ...] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where embeddings lie among the prototypes.

    Parameters
    ----------
    directions
        Of length one each, ``(..., D)``.
    log_totals
        Logarithm of the sum over all drugs of exp(cosine / temperature), ``(...)``.
    """

    directions: Floats
    log_totals: Floats

    def __getitem__(self, rows: Rows) -> Placed:
        """Keep some of them."""
        return Placed(self.directions[rows], self.log_totals[rows])


@dataclass(frozen=True, slots=True, eq=False)
class DrugScorer:
    """A student's head and codebook, ready to score any of its drugs.

    Parameters
    ----------
    student
        Used by `place` alone, on whichever device it is.
    drugs
        Names, in the codebook's order.
    prototypes_KD
        Of length one each.
    temperature
        Of the calibrated softmax over drugs.
    """

    student: Student
    drugs: tuple[str, ...]
    prototypes_KD: Floats
    temperature: float

    @classmethod
    def of(cls, bundle: Bundle) -> DrugScorer:
        """Take over a bundle's codebook."""
        student = bundle.student
        with torch.inference_mode():
            prototypes = student.codebook().float().cpu().numpy()
        names = tuple(drug.name for drug in bundle.config.drugs)
        return cls(student, names, prototypes, student.config.tau * student.calibration_temperature)

    def place(self, embeddings: Floats) -> Placed:
        """Place embeddings (..., D) among the prototypes; the only step that runs the head."""
        rows_ND = np.ascontiguousarray(embeddings, np.float32).reshape(-1, embeddings.shape[-1])
        directions = np.empty((len(rows_ND), self.prototypes_KD.shape[1]), np.float32)
        log_totals = np.empty(len(rows_ND), np.float32)
        device = next(self.student.parameters()).device
        for start in range(0, len(rows_ND), _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            with torch.inference_mode():
                placed = self.student.place(torch.tensor(rows_ND[some]).to(device))
            directions[some] = placed.float().cpu().numpy()
            logits_NK = directions[some] @ self.prototypes_KD.T / self.temperature
            log_totals[some] = _log_sum_exp(logits_NK)
        shape = embeddings.shape[:-1]
        return Placed(directions.reshape(*shape, directions.shape[1]), log_totals.reshape(shape))

    def similarity(self, placed: Placed, drug: int) -> Floats:
        """Give the cosine with one drug's prototype."""
        return np.asarray(placed.directions @ self.prototypes_KD[drug], np.float32)

    def probability(self, placed: Placed, drug: int) -> Floats:
        """Give the calibrated probability of one drug among all of the student's."""
        logits = self.similarity(placed, drug) / np.float32(self.temperature)
        return np.asarray(np.exp(logits - placed.log_totals), np.float32)

    def top_drugs(self, placed_D: Placed, n: int = 5) -> list[tuple[str, float]]:
        """Name the most probable drugs of one embedding, with their probabilities."""
        logits_K = self.prototypes_KD @ placed_D.directions / self.temperature
        probabilities_K = np.exp(logits_K - placed_D.log_totals)
        order: Sequence[int] = np.argsort(-probabilities_K, kind="stable")[:n].tolist()
        return [(self.drugs[drug], float(probabilities_K[drug])) for drug in order]


def _log_sum_exp(logits_NK: Floats) -> Floats:
    highest_N = logits_NK.max(axis=1)
    total_N = np.exp(logits_NK - highest_N[:, None]).sum(axis=1)
    return np.asarray(highest_N + np.log(total_N), np.float32)
