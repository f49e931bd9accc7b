"""How often chance lets replicates find each other so well: labels change places.

Under the null a label's rows could be any rows of the company they are ranked among (controls, or
rows with other labels). So they change places with them, within strata such as plates where
replicates must differ in those, and the mean average precision is taken anew, among the same
similarities. Then p is uniform when labels mean nothing, in steps of one over the draws.

Shapes: N rows, D features, M rows of a label with its company, K of the label, P draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.label_retrieval import unit_rows

FIRST_DRAWS = 999
_WORTH_MORE = 0.02  # a p up to this gets all draws
# the test stays exact on a part of the rows, and its cost grows with the square of the one and
# the cube of the other
_MOST_COMPANY, _MOST_REPLICATES = 512, 48
_CELLS_AT_ONCE = 4_000_000

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledRows:
    """Rows to compare.

    Parameters
    ----------
    features_ND
        Finite.
    label_N
        A number a label; -1 for rows that are company only.
    stratum_N
        Rows change places within one of these; replicates in one are not compared.
    has_strata
        Whether replicates must differ at all.
    """

    features_ND: npt.NDArray[np.floating]
    label_N: Ints
    stratum_N: Ints
    has_strata: bool


def exchange_p_values(
    rows: LabelledRows, *, among_controls: bool, n_draws: int, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Give each label's p; NaN where no two of its rows may be compared.

    Parameters
    ----------
    among_controls
        The company is the rows without a label; else those with another.
    n_draws
        At most so many: 999 first, the rest where p is small.
    """
    unit_ND = unit_rows(rows.features_ND)
    found = []
    for label in range(int(rows.label_N.max(initial=-1)) + 1):
        is_company_N = rows.label_N < 0
        if not among_controls:
            is_company_N = ~is_company_N & (rows.label_N != label)
        random = np.random.default_rng([seed, label])
        own = np.flatnonzero(rows.label_N == label)
        found.append(_p_of_label(unit_ND, rows, own, is_company_N, n_draws=n_draws, random=random))
    return np.array(found, np.float64)


def _p_of_label(
    unit_ND: npt.NDArray[np.float64],
    rows: LabelledRows,
    own: Ints,
    is_company_N: Bools,
    *,
    n_draws: int,
    random: np.random.Generator,
) -> float:
    own = random.permutation(own)[:_MOST_REPLICATES]
    strata_K = rows.stratum_N[own]
    is_pair_KK = _pairs(strata_K, has_strata=rows.has_strata)
    is_near_N = np.isin(rows.stratum_N, strata_K) | (not rows.has_strata)
    near, far = (np.flatnonzero(is_company_N & chosen) for chosen in (is_near_N, ~is_near_N))
    if not is_pair_KK.any() or not len(near):
        return float("nan")
    pool_M = random.permutation(np.concatenate([own, _company(near, far, random)]))
    rank_MM = _ranks(unit_ND[pool_M])
    place = {row: i for i, row in enumerate(pool_M.tolist())}
    own_1K = np.array([[place[row] for row in own.tolist()]])
    observed = _mean_precision(rank_MM, own_1K, is_pair_KK)[0]
    slots = [np.arange(len(own))]
    places = [np.arange(len(pool_M))]
    if rows.has_strata:
        present = np.unique(strata_K)
        slots = [np.flatnonzero(strata_K == stratum) for stratum in present]
        places = [np.flatnonzero(rows.stratum_N[pool_M] == stratum) for stratum in present]
    n_as_high, n_done = 0, 0
    for n_more in (min(FIRST_DRAWS, n_draws), n_draws - FIRST_DRAWS):
        if n_more <= 0 or (n_done and n_as_high + 1 > _WORTH_MORE * (n_done + 1)):
            break
        for drawn_PK in _draws(slots, places, n_draws=n_more, random=random):
            found_P = _mean_precision(rank_MM, drawn_PK, is_pair_KK)
            n_as_high += int((found_P >= observed - 1e-12).sum())
        n_done += n_more
    return (n_as_high + 1) / (n_done + 1)


def _company(near: Ints, far: Ints, random: np.random.Generator) -> Ints:
    """Take whom rows can change places with first, and fill up with the rest."""
    both = [random.permutation(near), random.permutation(far)]
    return np.concatenate(both)[:_MOST_COMPANY]


def _pairs(strata_K: Ints, *, has_strata: bool) -> Bools:
    if has_strata:
        return np.asarray(strata_K[:, None] != strata_K[None, :])
    return ~np.eye(len(strata_K), dtype=bool)


def _ranks(unit_MD: npt.NDArray[np.float64]) -> Ints:
    """Give each row's ranking of the others from 1; itself is last."""
    similar_MM = unit_MD @ unit_MD.T
    np.fill_diagonal(similar_MM, -np.inf)
    order_MM = np.argsort(-similar_MM, axis=1, kind="stable")
    rank_MM = np.empty_like(order_MM)
    np.put_along_axis(rank_MM, order_MM, np.arange(1, len(unit_MD) + 1)[None, :], axis=1)
    return rank_MM


def _draws(
    slots: list[Ints], places: list[Ints], *, n_draws: int, random: np.random.Generator
) -> Iterator[Ints]:
    """Put rows at random in a label's place, each of its own stratum, P x K at a time."""
    n_rows, n_pool = (sum(len(part) for part in parts) for parts in (slots, places))
    at_once = max(_CELLS_AT_ONCE // max(n_rows**3, n_pool), 1)
    for first in range(0, n_draws, at_once):
        drawn_PK = np.empty((min(at_once, n_draws - first), n_rows), np.int64)
        for slot, here in zip(slots, places, strict=True):
            keys = random.random((len(drawn_PK), len(here)))
            drawn_PK[:, slot] = here[np.argsort(keys, axis=1)[:, : len(slot)]]
        yield drawn_PK


def _mean_precision(rank_MM: Ints, drawn_PK: Ints, is_pair_KK: Bools) -> npt.NDArray[np.float64]:
    """Give the mean average precision of rows as if they had one label.

    Rows of the label that make no pair with a row are not ranked by it at all.
    """
    rank_PKK = rank_MM[drawn_PK[:, :, None], drawn_PK[:, None, :]]
    # whether l comes before j, or is j, in the ranking of i: P x i x j x l
    is_before = rank_PKK[:, :, None, :] <= rank_PKK[:, :, :, None]
    n_pairs_before = (is_before & is_pair_KK[None, :, None, :]).sum(axis=3)
    is_unranked_KK = ~is_pair_KK & ~np.eye(len(is_pair_KK), dtype=bool)
    if is_unranked_KK.any():
        rank_PKK = rank_PKK - (is_before & is_unranked_KK[None, :, None, :]).sum(axis=3)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(is_pair_KK, n_pairs_before / rank_PKK, 0.0)
    n_pairs_K = is_pair_KK.sum(axis=1)
    has_pair_K = n_pairs_K > 0
    by_row = precision.sum(axis=2)[:, has_pair_K] / n_pairs_K[has_pair_K]
    found: npt.NDArray[np.float64] = by_row.mean(axis=1)
    return found
