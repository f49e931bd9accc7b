"""Do related genes have similar or opposite knock-outs? Recall in the tails of all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.bootstrap import Interval, interval_of_mean
from napari_tide.discovery.label_retrieval import cosines
from napari_tide.errors import EvaluationValueError, TruthFormatError
from napari_tide.screens.table_file import read_table_file

LOWER, UPPER = 0.05, 0.95

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class RelationRecall:
    """How many known relations lie in the tails of the distribution of all pairs.

    Parameters
    ----------
    recall
        The share of relations at or below the lower or at or above the upper quantile.
    chance
        The share of all pairs there.
    interval
        Draws the relations again.
    """

    source: str
    recall: float
    interval: Interval
    chance: float
    n_relations: int
    n_genes: int


def read_gene_relations(path: Path) -> frozenset[tuple[str, str]]:
    """Read pairs of genes from a table's first two columns; order and repeats do not matter.

    Raises
    ------
    TruthFormatError, ScreenFormatError, ScreenMissingError
        The table is not there or has no two columns.
    """
    table = read_table_file(path)
    if table.shape[1] < 2:
        message = f"{path} has one column; expected two genes a row, as in entity1,entity2"
        raise TruthFormatError(message)
    return relations_from(table)


def relations_from(table: pd.DataFrame) -> frozenset[tuple[str, str]]:
    """Take pairs from a table's first two columns, each once, without self-relations."""
    pairs = zip(table.iloc[:, 0].astype(str), table.iloc[:, 1].astype(str), strict=True)
    return frozenset((min(a, b), max(a, b)) for a, b in pairs if a and b and a != b)


@dataclass(frozen=True, slots=True, eq=False)
class GenePairs:
    """The cosines of all pairs of genes, ranked once for any number of relation sets.

    Parameters
    ----------
    ranked
        Those of different genes, from the lowest to the highest.
    chance
        The share of them in the tails.
    """

    place: Mapping[str, int]
    cosine_GG: npt.NDArray[np.float64]
    ranked: npt.NDArray[np.float64]
    chance: float

    @classmethod
    def of(cls, embeddings_GD: Floats, genes: Sequence[str]) -> GenePairs:
        """Compare every gene with every other.

        Raises
        ------
        EvaluationValueError
            Genes repeat, or there are too many.
        """
        place = {gene: i for i, gene in enumerate(genes)}
        if len(place) != len(genes):
            message = f"{len(genes)} rows are of {len(place)} genes; average them to one row a gene"
            raise EvaluationValueError(message)
        cosine_GG = cosines(embeddings_GD)
        ranked = np.sort(cosine_GG[np.triu(np.ones(cosine_GG.shape, bool), 1)])
        return cls(place, cosine_GG, ranked, float(in_tails(ranked, ranked).mean()))


def relations_recall(
    pairs: GenePairs, relations: frozenset[tuple[str, str]], *, source: str = ""
) -> RelationRecall:
    """Place the cosine of related genes among the cosines of all pairs of different genes.

    Raises
    ------
    EvaluationValueError
        No relation is between two of the genes.
    """
    place = pairs.place
    both = [(place[a], place[b]) for a, b in sorted(relations) if a in place and b in place]
    if not both:
        message = (
            f"none of {len(relations)} relations of {source or 'the table'} is between two of "
            f"{len(place)} genes; check that both use gene symbols"
        )
        raise EvaluationValueError(message)
    first, second = np.array(both).T
    is_found = in_tails(pairs.ranked, pairs.cosine_GG[first, second])
    return RelationRecall(
        source=source,
        recall=float(is_found.mean()),
        interval=interval_of_mean(is_found, over="relations"),
        chance=pairs.chance,
        n_relations=len(both),
        n_genes=len(place),
    )


def in_tails(
    ranked: Floats, values: Floats, *, lower: float = LOWER, upper: float = UPPER
) -> npt.NDArray[np.bool_]:
    """Tell which values rank among the lowest or highest of a null distribution, given sorted.

    A value is low where at most the share `lower` of the null is no larger than it, and high where
    at least the share `upper` is smaller.
    """
    n_below = np.searchsorted(ranked, values, side="left")
    n_not_above = np.searchsorted(ranked, values, side="right")
    found: npt.NDArray[np.bool_] = (n_not_above <= lower * len(ranked)) | (
        n_below >= upper * len(ranked)
    )
    return found
