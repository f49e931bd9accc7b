"""Treatments: which drug at which dose, or which knock-out, in which cell line.

Shape legend: N treatments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

NONE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Treatments:
    """Treatments as indices into a world's drugs, genes and cell lines.

    Parameters
    ----------
    drug_N, gene_N
        -1 for none; both are -1 for untreated wells.
    dose_um_N
        NaN where no drug is given.
    line_N
        Cell line.
    """

    drug_N: npt.NDArray[np.int64]
    gene_N: npt.NDArray[np.int64]
    dose_um_N: npt.NDArray[np.float64]
    line_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Count the treatments."""
        return len(self.drug_N)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Treatments:
        """Give some of the treatments, repeated where a row is."""
        return Treatments(
            self.drug_N[rows], self.gene_N[rows], self.dose_um_N[rows], self.line_N[rows]
        )


def dose_series(
    drugs: Sequence[int], doses_um: Sequence[float], lines: Sequence[int]
) -> Treatments:
    """Give every drug at every dose in every line."""
    combined = list(product(lines, drugs, doses_um))
    return Treatments(
        drug_N=np.array([drug for _, drug, _ in combined], dtype=np.int64),
        gene_N=np.full(len(combined), NONE),
        dose_um_N=np.array([dose for _, _, dose in combined], dtype=float),
        line_N=np.array([line for line, _, _ in combined], dtype=np.int64),
    )


def knock_outs(genes: Sequence[int], lines: Sequence[int]) -> Treatments:
    """Give every gene's knock-out in every line."""
    combined = list(product(lines, genes))
    return Treatments(
        drug_N=np.full(len(combined), NONE),
        gene_N=np.array([gene for _, gene in combined], dtype=np.int64),
        dose_um_N=np.full(len(combined), np.nan),
        line_N=np.array([line for line, _ in combined], dtype=np.int64),
    )


def untreated(lines: Sequence[int]) -> Treatments:
    """Give one untreated (DMSO) condition per entry of `lines`."""
    return Treatments(
        drug_N=np.full(len(lines), NONE),
        gene_N=np.full(len(lines), NONE),
        dose_um_N=np.full(len(lines), np.nan),
        line_N=np.array(lines, dtype=np.int64),
    )


def joined(parts: Sequence[Treatments]) -> Treatments:
    """Put treatments one after another."""
    return Treatments(
        np.concatenate([part.drug_N for part in parts]),
        np.concatenate([part.gene_N for part in parts]),
        np.concatenate([part.dose_um_N for part in parts]),
        np.concatenate([part.line_N for part in parts]),
    )
