"""How well a predicted expression response is, condition by condition, beside trivial baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]
N_CHANGED = 20
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ResponseScores:
    """Scores of one condition, all on means over its samples.

    Parameters
    ----------
    r2, pearson
        Of the expression itself; high for anything that resembles a cell.
    r2_change, pearson_change
        Of the change over the control mean, which is what a drug does.
    pearson_changed_genes
        Of the change, over the 20 genes that truly change most.
    mse
        Mean squared error of the mean profile.
    """

    condition: str
    r2: float
    pearson: float
    r2_change: float
    pearson_change: float
    pearson_changed_genes: float
    mse: float


def score_responses(
    truth_NG: Values, predicted_NG: Values, control_MG: Values, conditions_N: Sequence[str]
) -> list[ResponseScores]:
    """Score every condition against the mean of all controls, in order of first appearance."""
    names = np.asarray(conditions_N)
    control_G = control_MG.mean(axis=0)
    return [
        _score(name, truth_NG[names == name], predicted_NG[names == name], control_G)
        for name in dict.fromkeys(conditions_N)
    ]


def _score(name: str, truth_NG: Values, predicted_NG: Values, control_G: Values) -> ResponseScores:
    truth_G, predicted_G = truth_NG.mean(axis=0), predicted_NG.mean(axis=0)
    change_G, predicted_change_G = truth_G - control_G, predicted_G - control_G
    # what rounding leaves of no change at all is no direction to correlate with
    rounding = _ROUNDING * float(np.abs(control_G).max(initial=0))
    predicted_change_G = np.where(np.abs(predicted_change_G) <= rounding, 0, predicted_change_G)
    most = np.argsort(-np.abs(change_G), kind="stable")[:N_CHANGED]
    return ResponseScores(
        condition=str(name),
        r2=_r2(truth_G, predicted_G),
        pearson=_pearson(truth_G, predicted_G),
        r2_change=_r2(change_G, predicted_change_G),
        pearson_change=_pearson(change_G, predicted_change_G),
        pearson_changed_genes=_pearson(change_G[most], predicted_change_G[most]),
        mse=float(np.mean((truth_G - predicted_G) ** 2)),
    )


def _r2(truth: Values, predicted: Values) -> float:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((truth - predicted) ** 2)) / spread if spread else float("nan")


def _pearson(first: Values, second: Values) -> float:
    a, b = first - first.mean(), second - second.mean()
    length = float(np.sqrt(np.sum(a**2) * np.sum(b**2)))
    return float(np.sum(a * b)) / length if length else float("nan")
