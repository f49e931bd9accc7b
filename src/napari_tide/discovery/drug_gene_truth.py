"""Which compound acts on which gene, as far as a table says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

POSITIVE_NM = 1_000.0
NEGATIVE_NM = 10_000.0


@dataclass(frozen=True, slots=True)
class DrugGeneTruth:
    """Known links between compounds and genes.

    Parameters
    ----------
    positives
        For every compound the genes it acts on, with an affinity of at most 1000 nM where one is
        given.
    unclear
        For every compound the genes with an affinity from there to 10000 nM, which count neither
        way.
    genes
        Every gene the table names: the pool other genes are drawn from.
    source
        Where this was read.
    """

    positives: Mapping[str, frozenset[str]]
    unclear: Mapping[str, frozenset[str]]
    genes: frozenset[str]
    source: str = ""

    @property
    def n_links(self) -> int:
        """Count the positive pairs."""
        return sum(map(len, self.positives.values()))

    def targets_of(self, compound: str) -> frozenset[str]:
        """Give the genes a compound acts on, none where the table does not name it."""
        return self.positives.get(compound, frozenset())

    def unclear_of(self, compound: str) -> frozenset[str]:
        """Give the genes that count neither way for a compound."""
        return self.unclear.get(compound, frozenset())


def truth_from_pairs(
    pairs: pd.DataFrame,
    *,
    source: str = "",
    positive_nm: float = POSITIVE_NM,
    negative_nm: float = NEGATIVE_NM,
) -> DrugGeneTruth:
    """Sort pairs into targets, unclear ones and the rest.

    Parameters
    ----------
    pairs
        Columns ``compound``, ``gene`` and ``affinity_nm``; a listed target without an affinity
        (NaN) counts as a target. Of several affinities of one pair the strongest counts.
    positive_nm, negative_nm
        Targets bind at most at the first; pairs between the two are unclear.
    """
    strongest = pairs.assign(affinity_nm=pairs["affinity_nm"].fillna(0.0))
    strongest = strongest.sort_values("affinity_nm").drop_duplicates(["compound", "gene"])
    is_positive = strongest["affinity_nm"] <= positive_nm
    is_unclear = ~is_positive & (strongest["affinity_nm"] <= negative_nm)
    return DrugGeneTruth(
        positives=_genes_by_compound(strongest[is_positive]),
        unclear=_genes_by_compound(strongest[is_unclear]),
        genes=frozenset(strongest["gene"]),
        source=source,
    )


def _genes_by_compound(pairs: pd.DataFrame) -> dict[str, frozenset[str]]:
    grouped = pairs.groupby("compound")["gene"]
    return {str(compound): frozenset(genes) for compound, genes in grouped}
