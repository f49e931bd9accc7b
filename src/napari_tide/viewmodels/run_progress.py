"""How far a run is, in words: what it is doing, how much is left, how fast it goes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_tide.viewmodels.run_events import RunEvent, number

_PREPARING = "reading the data"


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Where a run stands.

    Parameters
    ----------
    doing
        What is under way: ``"packing fields"``, ``"training"``.
    done, total
        Counted in what `doing` counts; `total` is 0 while it is not known.
    left_s
        Seconds left, where the run has said so.
    images_per_s, data_wait
        Speed, and the share of time spent waiting for data.
    """

    doing: str = "starting"
    done: int = 0
    total: int = 0
    left_s: float | None = None
    images_per_s: float | None = None
    data_wait: float | None = None

    def after(self, event: RunEvent) -> RunProgress:
        """Give the progress once an event has happened."""
        match event.get("event"):
            case "packing":
                return RunProgress("packing fields", _count(event, "done"), _count(event, "total"))
            case "scfm":
                at, of = _count(event, "step"), _count(event, "n_steps")
                return RunProgress("training the cell-line encoder", at, of)
            case "start":
                at, of = _count(event, "step"), _count(event, "n_steps")
                return RunProgress(_PREPARING, at, of)
            case "step":
                return RunProgress(
                    "training",
                    _count(event, "step"),
                    _count(event, "n_steps"),
                    number(event, "left_s"),
                    number(event, "images_per_s"),
                    number(event, "data_wait"),
                )
            case "validation":
                return replace(self, doing="training", done=_count(event, "step"))
            case "stopping":
                return replace(self, doing="saving the student", left_s=None)
            case "student":
                return replace(self, doing="student saved", left_s=None)
            case "done":
                return replace(self, doing="done", done=_count(event, "step"), left_s=0.0)
        return self

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 while the total is not known."""
        return min(self.done / self.total, 1.0) if self.total else 0.0

    def describe(self) -> str:
        """Say it: ``"step 120 of 4000 · about 12 min left · 840 images/s"``."""
        if self.doing in ("training", "done", "saving the student", "student saved"):
            place = f"step {self.done:,} of {self.total:,}" if self.total else self.doing
        elif self.total and self.doing != _PREPARING:
            place = f"{self.doing}: {self.done:,} of {self.total:,}"
        else:
            place = f"{self.doing} …"
        parts = [place]
        if self.doing == "training" and self.left_s is not None:
            parts.append(f"{duration(self.left_s)} left")
        if self.doing == "training" and self.images_per_s is not None:
            parts.append(f"{self.images_per_s:,.0f} images/s")
        if self.doing == "training" and self.data_wait is not None and self.data_wait > 0.3:
            parts.append(f"{100 * self.data_wait:.0f} % of the time waiting for data")
        return " · ".join(parts)


def duration(seconds: float) -> str:
    """Say a time as people do: ``"40 s"``, ``"12 min"``, ``"3 h 20 min"``, ``"2 days 4 h"``."""
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 36:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h"


def _count(event: RunEvent, name: str) -> int:
    return int(number(event, name) or 0)
