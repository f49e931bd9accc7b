"""Every query ranks its own candidates; what each finds is averaged, with an interval.

Embeddings of different folds are never compared: a query sees the candidates as the encoder of its
own fold embeds them, so scores of queries can be put together where cosines cannot.

Shapes: Q queries, G gallery rows, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.bootstrap import N_RESAMPLES, interval_of_mean
from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.discovery.ranking_metrics import expected_average_precision, score_pools

Rows = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]

SCORES = ("ap", "auc")


def score_queries(
    queries_QD: Rows, gallery_GD: Rows, *, is_same_QG: Bools, is_candidate_QG: Bools
) -> pd.DataFrame:
    """Rank each query's candidates by cosine.

    Returns
    -------
    A row per query: ``ap``, ``auc`` and ``chance_ap``; NaN where no candidate is the same, or all
    are.
    """
    cosine_QG = unit_rows(queries_QD) @ unit_rows(gallery_GD).T
    query, other = np.nonzero(is_candidate_QG)
    found = score_pools(
        cosine_QG[query, other],
        is_same_QG[query, other],
        pool_I=query,
        n_pools=len(queries_QD),
    )
    chance = np.full(len(queries_QD), np.nan)
    is_scored = np.isfinite(found.ap)
    chance[is_scored] = expected_average_precision(
        found.n_positive[is_scored], found.n_items[is_scored]
    )
    return pd.DataFrame({"ap": found.ap, "auc": found.auc, "chance_ap": chance})


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over queries, and how sure it is.

    Parameters
    ----------
    value
        Mean over queries of their means over seeds.
    low, high
        95 % of resampled means; what is drawn again are clusters of queries, not seeds.
    seeds_sd
        Standard deviation of the mean between seeds (fold draw and training together).
    """

    value: float
    low: float
    high: float
    seeds_sd: float
    n_queries: int


def estimate(scores: pd.DataFrame, column: str, *, n_resamples: int = N_RESAMPLES) -> Estimate:
    """Average a score over queries.

    Parameters
    ----------
    scores
        A row per query and seed: ``query``, ``cluster``, ``seed`` and the score.
    column
        Which score.
    n_resamples
        Bootstrap draws.
    """
    given = scores.dropna(subset=[column])
    of_query = given.groupby("query", sort=True).agg(
        value=(column, "mean"), cluster=("cluster", "first")
    )
    interval = interval_of_mean(
        of_query["value"].to_numpy(),
        over="compounds",
        clusters_N=pd.factorize(of_query["cluster"])[0],
        n_resamples=n_resamples,
    )
    of_seed = given.groupby("seed")[column].mean()
    return Estimate(
        value=float(of_query["value"].mean()),
        low=interval.low,
        high=interval.high,
        seeds_sd=float(of_seed.std(ddof=1)) if len(of_seed) > 1 else float("nan"),
        n_queries=len(of_query),
    )


def gain(
    scores: pd.DataFrame, before: pd.DataFrame, column: str, *, n_resamples: int = N_RESAMPLES
) -> Estimate:
    """Average the difference to a baseline, query by query and seed by seed."""
    paired = scores.merge(before[["query", "seed", column]], on=["query", "seed"])
    difference = paired[f"{column}_x"] - paired[f"{column}_y"]
    return estimate(paired.assign(difference=difference), "difference", n_resamples=n_resamples)
