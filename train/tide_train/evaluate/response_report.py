"""How well responses of held-out drugs are predicted, beside what is predicted without learning."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.response_split import ResponseSplit
from tide_train.evaluate.expression_response import ResponseScores, score_responses
from tide_train.evaluate.response_baselines import (
    predict_control,
    predict_mean_at_dose,
    predict_mean_perturbation,
)

SCORES = ("r2", "r2_change", "pearson_change", "pearson_changed_genes", "mse")
HEADINGS = ("R²", "R² of the change", "r of the change", "r, 20 genes", "MSE")


@dataclass(frozen=True, slots=True)
class ResponseReport:
    """Scores on the test part, each a mean over conditions (drug, dose and line).

    Parameters
    ----------
    rows
        By what predicted them: scores by name. A correlation with a change that is zero
        everywhere does not exist; it is None.
    n_train, n_validation, n_test, n_conditions
        Samples of each part, and test conditions.
    best_step
        The step whose weights were kept.
    curve
        (step, training loss, validation loss) at every validation.
    """

    rows: Mapping[str, Mapping[str, float | None]]
    n_train: int
    n_validation: int
    n_test: int
    n_conditions: int
    best_step: int
    curve: tuple[tuple[int, float, float], ...]

    def to_json(self) -> str:
        """Write the report for a script."""
        return json.dumps(asdict(self))

    def to_markdown(self) -> str:
        """Write the table."""
        lines = [f"| | {' | '.join(HEADINGS)} |", "|---" * (len(SCORES) + 1) + "|"]
        for name, scores in self.rows.items():
            told = [_told(scores[score]) for score in SCORES]
            lines.append(f"| {name} | {' | '.join(told)} |")
        return "\n".join(lines) + "\n"


def report_responses(
    inputs: ExpressionInputs,
    split: ResponseSplit,
    predicted_NG: npt.NDArray[np.floating],
    *,
    best_step: int = 0,
    curve: Sequence[tuple[int, float, float]] = (),
) -> ResponseReport:
    """Score predictions of the test part beside the baselines.

    Parameters
    ----------
    predicted_NG
        Predicted expression of the samples `split.test`, in that order.
    """
    test, train = split.test, split.train
    predictions: dict[str, npt.NDArray[np.floating]] = {
        "scFM": predicted_NG,
        "control": predict_control(inputs, test),
        "mean perturbation": predict_mean_perturbation(inputs, test, train=train),
        "mean perturbation at the dose": predict_mean_at_dose(inputs, test, train=train),
    }
    scored = {name: score_by_line(inputs, test, values) for name, values in predictions.items()}
    return ResponseReport(
        rows={
            name: {score: _mean(scores, score) for score in SCORES}
            for name, scores in scored.items()
        },
        n_train=len(train),
        n_validation=len(split.validation),
        n_test=len(test),
        n_conditions=len(scored["scFM"]),
        best_step=best_step,
        curve=tuple(curve),
    )


def score_by_line(
    inputs: ExpressionInputs, rows: npt.NDArray[np.int64], predicted_NG: npt.NDArray[np.floating]
) -> list[ResponseScores]:
    """Score every condition against the controls of its own line."""
    lines = inputs.samples["cell_line"].iloc[rows].to_numpy()
    conditions = inputs.group_N[rows].astype(str)
    scores = []
    for line in dict.fromkeys(lines):
        here = lines == line
        scores += score_responses(
            inputs.values_NG[rows[here]].astype(np.float64),
            predicted_NG[here].astype(np.float64),
            inputs.basal[line].astype(np.float64),
            list(conditions[here]),
        )
    return scores


def _mean(scores: Sequence[ResponseScores], name: str) -> float | None:
    values = np.array([getattr(score, name) for score in scores])
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) == len(values) else None


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
