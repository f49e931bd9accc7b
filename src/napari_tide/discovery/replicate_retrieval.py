"""Are replicates of one treatment closer to each other than to the rest? Mean average precision.

Average precision is that of copairs. Its p is kept beside ours, because it is not uniform where
nothing acts: it compares a label's mean with the null of a single row, which spreads more, and
takes a label's rows for independent, which the company they share makes them not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.bootstrap import Interval, interval_of_mean
from napari_tide.discovery.false_discovery import q_values
from napari_tide.discovery.label_exchange import LabelledRows, exchange_p_values
from napari_tide.discovery.ranking_metrics import expected_average_precision
from napari_tide.errors import EvaluationValueError
from napari_tide.profiles.profiles import Profiles

Against = Literal["controls", "others"]
AGAINST: tuple[Against, ...] = get_args(Against)
NULL_SIZE = 10_000
FDR = 0.05
_LABEL, _OWN_ROW = "treatment", "control_row"

Names = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class ReplicateScores:
    """How well replicates find each other.

    Parameters
    ----------
    treatments
        A row per label: ``mean_average_precision``, ``p_value`` (labels exchanged),
        ``corrected_p_value`` (over labels, Benjamini-Hochberg), ``copairs_p_value``,
        ``n_replicates``.
    mean_ap, interval
        Over labels, which are also what the interval draws again.
    chance_ap
        What random similarities give on average with the same numbers of replicates.
    """

    treatments: pd.DataFrame
    mean_ap: float
    interval: Interval
    chance_ap: float
    against: Against

    @property
    def share_significant(self) -> float:
        """Give the share of labels at a false discovery rate of 5 %."""
        return float((self.treatments["corrected_p_value"] < FDR).mean())


def replicate_retrieval(
    profiles: Profiles,
    labels: Sequence[str] | Names,
    *,
    against: Against = "controls",
    different: Sequence[str] = (),
    null_size: int = NULL_SIZE,
    seed: int = 0,
) -> ReplicateScores:
    """Rank, for every row, rows of its label among negative controls or among other labels.

    Parameters
    ----------
    labels
        What a row is a replicate of; empty rows take no part (negative controls aside).
    against
        Whom replicates must stand out from: the plate's company of negative controls, or rows with
        another label.
    different
        Metadata columns in which replicates must differ, such as ``Metadata_Plate``: only pairs
        across plates count then.

    Raises
    ------
    EvaluationValueError
        No label has two rows that differ so, or there is nothing to compare with.
    """
    table, features = _table(profiles, labels, against, different)
    scores = _average_precision(table, features, against, different)
    is_scored = (table[_OWN_ROW] < 0) & np.isfinite(scores["average_precision"])
    scored = scores[is_scored.to_numpy()]
    if scored.empty:
        message = (
            f"no row has a replicate that differs in {list(different) or 'anything'} to be found "
            f"among {against}; give another --label, or fewer columns that must differ"
        )
        raise EvaluationValueError(message)
    treatments = _with_p_values(scored, null_size=null_size, seed=seed)
    p_values = exchange_p_values(
        _labelled(table, features, treatments[_LABEL], different),
        among_controls=against == "controls",
        n_draws=null_size,
        seed=seed,
    )
    treatments = _ranked(treatments.assign(p_value=p_values, corrected_p_value=q_values(p_values)))
    chance = expected_average_precision(scored["n_pos_pairs"], scored["n_total_pairs"])
    return ReplicateScores(
        treatments=treatments,
        mean_ap=float(treatments["mean_average_precision"].mean()),
        interval=interval_of_mean(treatments["mean_average_precision"], over="labels"),
        chance_ap=float(pd.Series(chance).groupby(scored[_LABEL].to_numpy()).mean().mean()),
        against=against,
    )


def _table(
    profiles: Profiles, labels: Sequence[str] | Names, against: Against, different: Sequence[str]
) -> tuple[pd.DataFrame, npt.NDArray[np.floating]]:
    """Give what copairs pairs rows by; a control's own row number sets it apart from all."""
    missing = [name for name in different if name not in profiles.metadata.columns]
    if missing:
        available = [str(name) for name in profiles.metadata.columns]
        message = f"the profiles have no column {missing[0]!r}. Available: {available}"
        raise EvaluationValueError(message)
    named = np.asarray(labels, dtype=object)
    is_control = profiles.is_control & (against == "controls")
    if against == "controls" and not is_control.any():
        message = (
            "the profiles mark no negative control (Metadata_Control == negcon) to compare with; "
            "compare with other treatments: --against others"
        )
        raise EvaluationValueError(message)
    kept = is_control | ((named != "") & ~profiles.is_control)
    own_row = np.where(is_control, np.arange(len(named)), -1)
    table = pd.DataFrame({_LABEL: np.where(is_control, "negative control", named)})
    table[_OWN_ROW] = own_row
    for name in different:
        table[name] = profiles.column(name).to_numpy()
    return table[kept].reset_index(drop=True), profiles.features[kept]


def _average_precision(
    table: pd.DataFrame,
    features: npt.NDArray[np.floating],
    against: Against,
    different: Sequence[str],
) -> pd.DataFrame:
    from copairs.map import average_precision
    from copairs.matching import UnpairedException

    apart = [_LABEL, _OWN_ROW] if against == "controls" else [_LABEL]
    try:
        scores: pd.DataFrame = average_precision(
            table,
            np.asarray(features, np.float64),
            pos_sameby=[_LABEL, _OWN_ROW],
            pos_diffby=list(different),
            neg_sameby=[],
            neg_diffby=apart,
            progress_bar=False,
        )
    except (ValueError, UnpairedException) as error:
        message = (
            f"replicates cannot be scored against {against} ({error}); give another --label, or "
            "fewer columns that must differ"
        )
        raise EvaluationValueError(message) from error
    return scores


def _with_p_values(scored: pd.DataFrame, *, null_size: int, seed: int) -> pd.DataFrame:
    from copairs.map import mean_average_precision

    with tempfile.TemporaryDirectory() as cache:  # else copairs keeps its null in the home folder
        found = mean_average_precision(
            scored,
            [_LABEL],
            null_size=null_size,
            threshold=FDR,
            seed=seed,
            progress_bar=False,
            cache_dir=cache,
        )
    counts = scored.groupby(_LABEL).size()
    columns = [_LABEL, "mean_average_precision", "p_value"]
    table: pd.DataFrame = found[columns].rename(columns={"p_value": "copairs_p_value"})
    return table.assign(n_replicates=table[_LABEL].map(counts))


def _labelled(
    table: pd.DataFrame,
    features: npt.NDArray[np.floating],
    labels: pd.Series,
    different: Sequence[str],
) -> LabelledRows:
    """Give labels their places in `labels` as numbers; other rows are company only."""
    is_own = (table[_OWN_ROW] < 0).to_numpy()
    number = pd.Series(np.arange(len(labels)), index=labels.to_numpy())
    label_N = table[_LABEL].map(number).fillna(-1).to_numpy(dtype=np.int64)
    numbers = table.groupby(list(different), sort=False).ngroup() if different else [0] * len(table)
    strata = np.asarray(numbers, dtype=np.int64)
    return LabelledRows(features, np.where(is_own, label_N, -1), strata, bool(different))


def _ranked(treatments: pd.DataFrame) -> pd.DataFrame:
    order = ["corrected_p_value", "mean_average_precision"]
    ranked: pd.DataFrame = treatments.sort_values(order, ascending=[True, False], ignore_index=True)
    return ranked
