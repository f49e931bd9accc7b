"""How well a signature finds the images of its own drug among those of all drugs of its cell line.

Shapes: Q signatures, N profiles, T treatments, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Treated:
    """Embeddings with the drug, line and dose of each; replicates are averaged."""

    embeddings_TD: npt.NDArray[np.float64]
    drugs_T: Rows
    lines_T: Rows

    @classmethod
    def of(cls, embeddings: Floats, drugs: Rows, lines: Rows, doses: Floats) -> Treated:
        """Average rows of one drug, line and dose; rows without a drug (-1) are left out."""
        table = pd.DataFrame({"drug": drugs, "line": lines, "dose": doses})
        keys = table.groupby(["drug", "line", "dose"], dropna=False, sort=True)
        numbers = keys.ngroup().to_numpy()
        n_treatments = numbers.max() + 1 if len(numbers) else 0
        sums = np.zeros((n_treatments, embeddings.shape[1]))
        np.add.at(sums, numbers, embeddings)
        first = np.unique(numbers, return_index=True)[1]
        counts = np.bincount(numbers, minlength=n_treatments)[:, None]
        is_drug = drugs[first] >= 0
        return cls((sums / counts)[is_drug], drugs[first][is_drug], lines[first][is_drug])


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Where the right drug stands in the ranking of all drugs imaged in a signature's line.

    Parameters
    ----------
    top1, top5
        Shares of signatures whose drug is the first, or among the first five.
    reciprocal_rank
        Mean of one over its rank.
    rank_share
        Mean share of the other drugs that stand before it; .5 by chance.
    chance_top1, chance_top5, chance_reciprocal_rank
        What an order at random would reach.
    n_signatures, n_drugs
        How many ask, and among how many drugs they look, on average.
    """

    top1: float
    top5: float
    reciprocal_rank: float
    rank_share: float
    chance_top1: float
    chance_top5: float
    chance_reciprocal_rank: float
    n_signatures: int
    n_drugs: float

    def facts(self, prefix: str) -> dict[str, float]:
        """Give the numbers by name."""
        return {f"{prefix}_{name}": float(getattr(self, name)) for name in self.__slots__}


def retrieval(signatures: Treated, gallery: Treated) -> Retrieval | None:
    """Rank drugs by cosine with a signature; of a drug's doses the nearest counts.

    Signatures whose drug is not in the gallery in their line are left out; None where all are.
    """
    ranks: list[int] = []
    sizes: list[int] = []
    for line in np.unique(signatures.lines_T):
        here, there = signatures.lines_T == line, gallery.lines_T == line
        if not there.any():
            continue
        found, n_drugs = _ranks(
            _units(signatures.embeddings_TD[here]),
            signatures.drugs_T[here],
            _units(gallery.embeddings_TD[there]),
            gallery.drugs_T[there],
        )
        ranks += found
        sizes += [n_drugs] * len(found)
    if not ranks:
        return None
    rank, size = np.array(ranks), np.array(sizes)
    harmonic = np.array([np.mean(1 / np.arange(1, n + 1)) for n in sizes])
    return Retrieval(
        top1=float(np.mean(rank == 1)),
        top5=float(np.mean(rank <= 5)),
        reciprocal_rank=float(np.mean(1 / rank)),
        rank_share=float(np.mean((rank - 1) / np.maximum(size - 1, 1))),
        chance_top1=float(np.mean(1 / size)),
        chance_top5=float(np.mean(np.minimum(5 / size, 1))),
        chance_reciprocal_rank=float(harmonic.mean()),
        n_signatures=len(rank),
        n_drugs=float(size.mean()),
    )


def _ranks(
    asking_QD: Floats, drugs_Q: Rows, gallery_TD: Floats, drugs_T: Rows
) -> tuple[list[int], int]:
    order = np.argsort(drugs_T, kind="stable")
    names, first = np.unique(drugs_T[order], return_index=True)
    scores_QT = asking_QD @ gallery_TD[order].T
    best_QK = np.maximum.reduceat(scores_QT, first, axis=1)
    place = {int(name): k for k, name in enumerate(names)}
    ranks = [
        int((best_K >= best_K[place[drug]]).sum())  # of equals, the right one is the last
        for best_K, drug in zip(best_QK, drugs_Q.tolist(), strict=True)
        if drug in place
    ]
    return ranks, len(names)


def _units(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    found: Floats = rows / np.where(norms > 0, norms, 1.0)
    return found
