"""The curves of one run by name, built from its events as they come."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from napari_tide.viewmodels.run_events import RunEvent, number

RATES = ("lr", "images_per_s", "data_wait")
_NO_CURVE = frozenset({"step", "n_steps", "epoch", "left_s", "n_images"})
_TITLES = {
    "loss": "loss",
    "lr": "learning rate",
    "images_per_s": "images/s",
    "data_wait": "waiting for data",
    "knn_top1": "k-NN",
    "knn_top5": "k-NN, top 5",
    "chance_top1": "chance",
}


@dataclass(slots=True)
class Curve:
    """Values over training steps, in order of steps."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: float, value: float) -> None:
        """Add a point; points at or after its step are forgotten first: the run went back."""
        self.cut_from(step)
        self.steps.append(step)
        self.values.append(value)

    def cut_from(self, step: float) -> None:
        """Forget the points at `step` and after."""
        if self.steps and self.steps[-1] >= step:
            kept = bisect_left(self.steps, step)
            del self.steps[kept:], self.values[kept:]

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.values[-1] if self.values else None


def curve_title(name: str) -> str:
    """Say what a curve is called on screen."""
    return _TITLES.get(name, name.replace("_", " "))


class RunCurves:
    """Losses, learning rate, speed and validation of a run."""

    def __init__(self) -> None:
        self.training: dict[str, Curve] = {}
        self.validation: dict[str, Curve] = {}
        self.n_points = 0

    @property
    def losses(self) -> dict[str, Curve]:
        """The loss and its parts; the whole first."""
        parts = {name: curve for name, curve in self.training.items() if name not in RATES}
        whole = {"loss": parts.pop("loss")} if "loss" in parts else {}
        return whole | parts

    @property
    def recognition(self) -> dict[str, Curve]:
        """k-NN and its chance line."""
        names = ("knn_top1", "knn_top5", "chance_top1")
        return {name: self.validation[name] for name in names if name in self.validation}

    def last(self, name: str) -> float | None:
        """Give the newest value of a curve; None where there is no such curve yet."""
        curve = self.training.get(name) or self.validation.get(name)
        return curve.last if curve else None

    def add(self, event: RunEvent) -> bool:
        """Take an event; true where a curve grew."""
        step, kind = number(event, "step"), event.get("event")
        if step is None:
            return False
        if kind == "start":
            self.cut_after(step)
            return False
        if kind not in ("step", "validation"):
            return False
        target = self.training if kind == "step" else self.validation
        for name in event:  # in the run's own order, which is the legend's
            value = None if name in _NO_CURVE else number(event, name)
            if value is not None:
                target.setdefault(name, Curve()).add(step, value)
        self.n_points += 1
        return True

    def add_all(self, events: Iterable[RunEvent]) -> RunCurves:
        """Take many events, and give the curves."""
        for event in events:
            self.add(event)
        return self

    def cut_after(self, step: float) -> None:
        """Forget what came after `step`, where a run goes on from an earlier checkpoint."""
        for curve in (*self.training.values(), *self.validation.values()):
            curve.cut_from(step + 0.5)
