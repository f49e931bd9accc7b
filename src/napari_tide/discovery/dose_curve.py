"""A compound's effect by dose as a small drawing that takes the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.hit_trends import DoseWells

WIDTH, HEIGHT = 260, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 12, 10, 34
_BAND = (5, 95)
_JITTER_PX = 5.0
_Y_LABELS = 3
_CLOSEST_LABELS_PX = 24.0


def dose_curve_svg(wells: DoseWells) -> str:
    """Draw wells as dots, the mean at each dose as a line, and 90 % of the controls as a band."""
    doses, columns = np.unique(np.nan_to_num(wells.doses_n, nan=0.0), return_inverse=True)
    x_of_dose = _x_positions(doses)
    low, high = _y_range(wells)

    def y_of(score: float) -> float:
        return _TOP + (high - score) / (high - low) * (HEIGHT - _TOP - _BOTTOM)

    means = [float(wells.scores_n[columns == column].mean()) for column in range(len(doses))]
    parts = [
        _band(wells.control_scores, y_of),
        *(_gridline(score, y_of(score)) for score in _y_labels(low, high)),
        *_dose_labels(doses, x_of_dose),
        f'<polyline class="mean" points="{_points(x_of_dose, [y_of(mean) for mean in means])}"/>',
        *_dots(wells.scores_n, x_of_dose[columns], y_of),
    ]
    said = f"Effect at {len(doses)} doses, {len(wells.scores_n)} wells"
    return (
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(said)}">'
        + "".join(parts)
        + f'<text class="axis" x="{(_LEFT + WIDTH - _RIGHT) / 2:.0f}" y="{HEIGHT - 4}" '
        'text-anchor="middle">dose, µM</text></svg>'
    )


def _x_positions(doses: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Space doses by their logarithm; a dose of none stands one step before the others."""
    left, right = _LEFT + 16, WIDTH - _RIGHT - 16
    if len(doses) == 1:
        return np.array([(left + right) / 2])
    given = doses[doses > 0]
    logs = np.log10(given)
    if len(given) < len(doses):
        step = float(np.diff(logs).mean()) if len(logs) > 1 else 1.0
        logs = np.concatenate([[logs[0] - step], logs])
    span = logs[-1] - logs[0]
    positions: npt.NDArray[np.float64] = left + (logs - logs[0]) / span * (right - left)
    return positions


def _y_range(wells: DoseWells) -> tuple[float, float]:
    values = (
        np.concatenate([wells.scores_n, np.percentile(wells.control_scores, _BAND), [0.0]])
        if (len(wells.control_scores))
        else np.concatenate([wells.scores_n, [0.0]])
    )
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * max(high - low, 0.1)
    return low - margin, high + margin


def _y_labels(low: float, high: float) -> list[float]:
    step = next(
        (size for size in (0.05, 0.1, 0.2, 0.25, 0.5, 1.0) if (high - low) / size <= _Y_LABELS + 1),
        1.0,
    )
    first = int(np.ceil(low / step))
    return [number * step for number in range(first, int(np.floor(high / step)) + 1)]


def _band(controls: npt.NDArray[np.float64], y_of: object) -> str:
    assert callable(y_of)
    if not len(controls):
        return ""
    bottom, top = (y_of(float(value)) for value in np.percentile(controls, _BAND))
    width = WIDTH - _LEFT - _RIGHT
    return (
        f'<rect class="band" x="{_LEFT}" y="{top:.1f}" width="{width}" '
        f'height="{max(bottom - top, 1):.1f}"><title>90 % of control wells</title></rect>'
    )


def _gridline(score: float, y: float) -> str:
    kind = "zero" if abs(score) < 1e-9 else "grid"
    return (
        f'<line class="{kind}" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis" x="{_LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">'
        f"{score:.2g}</text>".replace("-", "\u2212" if kind == "grid" and score < 0 else "-")
    )


def _dose_labels(
    doses: npt.NDArray[np.float64], x_of_dose: npt.NDArray[np.float64]
) -> Sequence[str]:
    """Write doses below the axis, leaving out those that would run into the last one written."""
    labels, last = [], -np.inf
    for dose, x in zip(doses, x_of_dose, strict=True):
        if x - last >= _CLOSEST_LABELS_PX:
            text = f"{dose:.3g}" if dose > 0 else "no dose"
            labels.append(
                f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 18}" text-anchor="middle">'
                f"{text}</text>"
            )
            last = x
    return labels


def _dots(
    scores_n: npt.NDArray[np.float64], x_n: npt.NDArray[np.float64], y_of: object
) -> Sequence[str]:
    assert callable(y_of)
    spread = np.linspace(-_JITTER_PX, _JITTER_PX, 5)[np.arange(len(x_n)) % 5]
    return [
        f'<circle class="well" cx="{x + aside:.1f}" cy="{y_of(float(score)):.1f}" r="2.6"/>'
        for x, aside, score in zip(x_n, spread, scores_n, strict=True)
    ]


def _points(xs: Sequence[float] | npt.NDArray[np.float64], ys: Sequence[float]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
