"""Do compounds look like knock-outs of their targets? Average precision over drawn gene pools.

For one compound and dose the targets are the same under every seed, only the other genes change. So
the number of genes that score above a target is one matrix product: which pool genes are above it
(dose and target x pool) times which pool genes were drawn (pool x seed). Nothing is sorted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from napari_tide.discovery.gene_pools import GenePool
from napari_tide.discovery.ranking_metrics import expected_average_precision, expected_hit_at_k

HITS_AT = (1, 5)
Similarity = Literal["abs-cosine", "cosine"]
SIMILARITIES: tuple[Similarity, ...] = get_args(Similarity)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DoseScores:
    """Scores of every compound at one dose, means over the seeds; NaN where it was not imaged.

    Parameters
    ----------
    ap, auc
        Average precision and area under the ROC curve.
    hits
        For each k the share of seeds in which a target was among the first k genes.
    """

    ap: Floats
    auc: Floats
    hits: Mapping[int, Floats]

    @property
    def n_compounds(self) -> int:
        """Count the compounds that were imaged."""
        return int(np.isfinite(self.ap).sum())


@dataclass(frozen=True, slots=True, eq=False)
class DrugGeneScores:
    """The benchmark's result under one similarity.

    Parameters
    ----------
    compounds
        Those that were scored.
    doses
        By dose in µM (NaN where none is known), smallest first.
    mean
        For every compound the mean of its scores over its doses.
    best
        Scored on each gene's highest similarity over the doses ("max").
    chance
        What random similarities give on average with the same targets and pools.
    """

    compounds: tuple[str, ...]
    doses: Mapping[float, DoseScores]
    mean: DoseScores
    best: DoseScores
    chance: DoseScores


def score_drug_genes(
    compound_rows: Mapping[str, Mapping[float, int]],
    cosine_RG: npt.NDArray[np.floating],
    *,
    pools: Sequence[GenePool],
    similarity: Similarity = "abs-cosine",
) -> DrugGeneScores:
    """Score every pool at every dose, over doses, and with the best dose of each gene.

    Parameters
    ----------
    compound_rows
        For every compound its rows of `cosine_RG` by dose.
    cosine_RG
        Cosine of every treatment with every knocked-out gene.
    """
    doses = sorted({dose for pool in pools for dose in compound_rows[pool.compound]}, key=_nan_last)
    keys = [*map(_nan_last, doses)]
    table = np.full((len(pools), len(doses) + 1, 2 + len(HITS_AT)), np.nan)
    with threadpool_limits(1, user_api="blas"):  # thousands of products too small to be shared
        for number, pool in enumerate(pools):
            rows = compound_rows[pool.compound]
            similar_DG = cosine_RG[list(rows.values())]
            if similarity == "abs-cosine":
                similar_DG = np.abs(similar_DG)
            with_best = np.concatenate([similar_DG, similar_DG.max(axis=0, keepdims=True)])
            places = [keys.index(_nan_last(dose)) for dose in rows]
            table[number, [*places, -1]] = score_pool(with_best, pool)
    per_dose = table[:, :-1]
    n_doses = np.isfinite(per_dose).sum(axis=1)
    return DrugGeneScores(
        compounds=tuple(pool.compound for pool in pools),
        doses={dose: _scores(per_dose[:, i]) for i, dose in enumerate(doses)},
        mean=_scores(np.nansum(per_dose, axis=1) / n_doses),
        best=_scores(table[:, -1]),
        chance=chance_of(pools),
    )


def score_pool(similar_DG: npt.NDArray[np.floating], pool: GenePool) -> Floats:
    """Give AP, AUC and hits for every row of similarities, means over the seeds."""
    n_seeds, n_drawn = pool.drawn_SN.shape
    target_DP, other_DO = similar_DG[:, pool.positives], similar_DG[:, pool.others]
    drawn_OS = np.zeros((len(pool.others), n_seeds), np.float32)
    drawn_OS[pool.drawn_SN.T, np.arange(n_seeds)] = 1
    is_not_below = other_DO[:, None] >= target_DP[:, :, None]
    is_above = other_DO[:, None] > target_DP[:, :, None]
    n_not_below = _count(is_not_below, drawn_OS)
    has_ties = not np.array_equal(is_not_below, is_above)
    n_above = _count(is_above, drawn_OS) if has_ties else n_not_below
    targets_in = (target_DP[:, None] >= target_DP[:, :, None]).sum(axis=2)[:, :, None]
    ap_DS = (targets_in / (targets_in + n_not_below)).mean(axis=1)
    auc_DS = 1 - (n_not_below + n_above).mean(axis=1) / (2 * n_drawn)
    n_ahead_DS = n_not_below.min(axis=1)
    hits = [(n_ahead_DS < k).mean(axis=1) for k in HITS_AT]
    return np.stack([ap_DS.mean(axis=1), auc_DS.mean(axis=1), *hits], axis=1)


def chance_of(pools: Sequence[GenePool]) -> DoseScores:
    """Give the mean scores of random similarities, exactly, from the sizes of the pools."""
    n_positive = np.array([len(pool.positives) for pool in pools])
    n_items = np.array([pool.n_items for pool in pools])
    return DoseScores(
        ap=expected_average_precision(n_positive, n_items),
        auc=np.full(len(pools), 0.5),
        hits={k: expected_hit_at_k(n_positive, n_items, k=k) for k in HITS_AT},
    )


def _count(is_ahead_DPO: npt.NDArray[np.bool_], drawn_OS: npt.NDArray[np.float32]) -> Floats:
    n_doses, n_targets, n_others = is_ahead_DPO.shape
    flat = is_ahead_DPO.reshape(-1, n_others).astype(np.float32) @ drawn_OS
    return flat.reshape(n_doses, n_targets, -1).astype(np.float64)


def _scores(table_C4: Floats) -> DoseScores:
    hits = {k: table_C4[:, 2 + i] for i, k in enumerate(HITS_AT)}
    return DoseScores(table_C4[:, 0], table_C4[:, 1], hits)


def _nan_last(dose: float) -> tuple[bool, float]:
    return (True, 0.0) if np.isnan(dose) else (False, dose)
