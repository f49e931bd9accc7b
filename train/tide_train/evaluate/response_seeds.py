"""Scores over several seeds: means with intervals, and differences from the baselines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from tide_train.evaluate.response_report import HEADINGS, SCORES, ResponseReport


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half width of its 95 % interval (Student's t over seeds)."""

    mean: float
    half_width: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """Summarise one value per seed; a single seed has no interval."""
        if len(values) < 2:
            return cls(float(values[0]), float("nan"))
        spread = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        return cls(float(np.mean(values)), float(stats.t.ppf(0.975, len(values) - 1)) * spread)

    def __str__(self) -> str:
        if math.isnan(self.half_width):
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.half_width:.3f}"


def interval_table(reports: Sequence[ResponseReport]) -> dict[str, dict[str, Interval | None]]:
    """Summarise each predictor's scores, and what the scFM gains on the mean perturbation."""
    table: dict[str, dict[str, Interval | None]] = {}
    for name in reports[0].rows:
        table[name] = {
            score: _interval([report.rows[name][score] for report in reports]) for score in SCORES
        }
    ours = [report.rows["scFM"] for report in reports]
    theirs = [report.rows["mean perturbation"] for report in reports]
    table["scFM less mean perturbation"] = {
        score: _interval([_less(a[score], b[score]) for a, b in zip(ours, theirs, strict=True)])
        for score in SCORES
    }
    return table


def to_markdown(reports: Sequence[ResponseReport]) -> str:
    """Write the table as it stands in docs/results.md."""
    lines = [f"| | {' | '.join(HEADINGS)} |", "|---" * (len(SCORES) + 1) + "|"]
    for name, row in interval_table(reports).items():
        told = [str(row[score] or "-") for score in SCORES]
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n"


def to_json(reports: Sequence[ResponseReport], seeds: Sequence[int]) -> str:
    """Write every seed's report and the summary for a script."""
    table = {
        name: {score: interval and asdict(interval) for score, interval in row.items()}
        for name, row in interval_table(reports).items()
    }
    runs = [{"seed": seed, **asdict(report)} for seed, report in zip(seeds, reports, strict=True)]
    return json.dumps({"summary": table, "runs": runs}, indent=1)


def _interval(values: Sequence[float | None]) -> Interval | None:
    known = [value for value in values if value is not None]
    return Interval.of(known) if len(known) == len(values) else None


def _less(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs
