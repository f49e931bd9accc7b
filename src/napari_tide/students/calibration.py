"""Probabilities that mean what they say, and scores that know the plate's own controls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import minimize_scalar

from napari_tide.errors import StudentValueError

N_BINS = 15
_LOG_RANGE = (-4.0, 4.0)  # of the natural logarithm of the temperature

Floats = npt.NDArray[np.floating]


class Calibration(BaseModel):
    """A temperature fitted on held-out images, and how well probabilities fit before and after."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(default=1.0, gt=0)
    ece_before: float | None = None
    ece_after: float | None = None
    n_images: int = 0


def calibrate(logits_NK: Floats, labels_N: npt.NDArray[np.integer]) -> Calibration:
    """Fit one temperature by the log-loss of held-out images (Guo et al. 2017).

    Raises
    ------
    StudentValueError
        There is nothing to calibrate on.
    """
    if len(logits_NK) == 0 or len(logits_NK) != len(labels_N):
        message = f"calibration needs labelled images; got {len(logits_NK)} and {len(labels_N)}"
        raise StudentValueError(message)
    exact = logits_NK.astype(np.float64)
    best = minimize_scalar(
        lambda log_t: log_loss(exact / np.exp(log_t), labels_N), bounds=_LOG_RANGE, method="bounded"
    )
    temperature = float(np.exp(best.x))
    return Calibration(
        temperature=temperature,
        ece_before=expected_calibration_error(softmax(exact), labels_N),
        ece_after=expected_calibration_error(softmax(exact / temperature), labels_N),
        n_images=len(labels_N),
    )


def softmax(logits_NK: Floats) -> Floats:
    """Turn logits into probabilities, row by row."""
    shifted = np.exp(logits_NK - logits_NK.max(axis=1, keepdims=True))
    probabilities_NK: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities_NK


def log_loss(logits_NK: Floats, labels_N: npt.NDArray[np.integer]) -> float:
    """Give the mean negative log-probability of the true label."""
    top = logits_NK.max(axis=1)
    log_sum = top + np.log(np.exp(logits_NK - top[:, None]).sum(axis=1))
    return float(np.mean(log_sum - logits_NK[np.arange(len(labels_N)), labels_N]))


def expected_calibration_error(
    probabilities_NK: Floats, labels_N: npt.NDArray[np.integer]
) -> float:
    """Give the mean gap between confidence and accuracy over 15 equal bins of confidence."""
    confidence = probabilities_NK.max(axis=1)
    is_right = probabilities_NK.argmax(axis=1) == labels_N
    bins = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - is_right, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(labels_N))


def p_above_controls(scores_N: Floats, control_scores_M: Floats) -> Floats:
    """Give, for each score, an empirical p of standing so high among the plate's own controls.

    p = (1 + controls at least as high) / (1 + controls), so it is never zero and its smallest value
    says how many controls there were. Without controls p is NaN. A score that is NaN has p NaN.
    """
    controls = np.sort(control_scores_M[np.isfinite(control_scores_M)])
    if len(controls) == 0:
        return np.full(len(scores_N), np.nan)
    n_higher = len(controls) - np.searchsorted(controls, scores_N, side="left")
    p_values = (1 + n_higher) / (1 + len(controls))
    return np.where(np.isnan(scores_N), np.nan, p_values)
