"""The genes a compound's targets are ranked among, drawn anew for every seed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.drug_gene_truth import DrugGeneTruth

FEWEST_NEGATIVES = 20

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class GenePool:
    """What one compound is scored on.

    Parameters
    ----------
    positives
        Positions of the compound's targets among the screen's genes.
    others
        Positions of the annotated genes negatives are drawn from, by name.
    drawn_SN
        For every seed the drawn negatives, as positions in `others`.
    """

    compound: str
    positives: Integers
    others: Integers
    drawn_SN: Integers

    @property
    def n_items(self) -> int:
        """Count the genes that are ranked."""
        return len(self.positives) + int(self.drawn_SN.shape[1])

    def sampled(self, seed: int) -> Integers:
        """Give the genes ranked under one seed, targets first."""
        return np.concatenate([self.positives, self.others[self.drawn_SN[seed]]])


def draw_pools(
    truth: DrugGeneTruth, *, compounds: Sequence[str], genes: Sequence[str], n_seeds: int
) -> list[GenePool]:
    """Draw max(2 x targets, 20) other annotated genes for every compound and seed.

    The pool is sorted by name, and a compound's draws depend on nothing but its name and pool, so
    neither the order of rows nor the other compounds change a result. Where the pool is smaller
    than that, all of it is taken. Compounds without a target or without others are left out.
    """
    place = {gene: i for i, gene in enumerate(genes)}
    annotated = sorted(truth.genes & place.keys())
    pools = []
    for compound in sorted(set(compounds)):
        positives = sorted(truth.targets_of(compound) & place.keys())
        left_out = truth.targets_of(compound) | truth.unclear_of(compound)
        others = [place[gene] for gene in annotated if gene not in left_out]
        if positives and others:
            n_drawn = min(max(2 * len(positives), FEWEST_NEGATIVES), len(others))
            random = np.random.default_rng(zlib.crc32(compound.encode()))
            drawn = _without_replacement(random, n_seeds, n_drawn, len(others))
            found = np.array([place[gene] for gene in positives], np.int64)
            pools.append(GenePool(compound, found, np.array(others, np.int64), drawn))
    return pools


def _without_replacement(
    random: np.random.Generator, n_rows: int, n_drawn: int, n_pool: int
) -> Integers:
    """Draw `n_drawn` different numbers below `n_pool` for every row, all rows at once (Floyd)."""
    chosen = np.empty((n_rows, n_drawn), np.int64)
    is_taken = np.zeros((n_rows, n_pool), bool)
    rows = np.arange(n_rows)
    uniform = random.random((n_rows, n_drawn))
    for i, last in enumerate(range(n_pool - n_drawn, n_pool)):
        number = (uniform[:, i] * (last + 1)).astype(np.int64)
        number[is_taken[rows, number]] = last
        is_taken[rows, number] = True
        chosen[:, i] = number
    return chosen
