"""One training as it goes: its state, progress, curves, log and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from psygnal import Signal

from napari_tide.viewmodels.failure_advice import ChildEnd, describe_failure
from napari_tide.viewmodels.followed_run import FollowedRun, RunNews, student_of_run
from napari_tide.viewmodels.run_curves import RunCurves
from napari_tide.viewmodels.run_events import RunEvent, number, parse_event
from napari_tide.viewmodels.run_log import RunLog, describe_event
from napari_tide.viewmodels.run_progress import RunProgress, duration

RunState = Literal["running", "stopping", "done", "stopped", "failed"]
_QUIET_S = 120
_PATIENCE_S, _PATIENCE_TO_SAVE_S = 15.0, 600.0


class TrainingRun:
    """A run that was started here, or attached to by its folder."""

    changed = Signal()
    curves_changed = Signal()
    log_changed = Signal()

    def __init__(self, folder: Path, name: str, *, followed: FollowedRun | None = None) -> None:
        self.folder, self.name = folder, name
        self.state: RunState = "running"
        self.progress = RunProgress()
        self.curves, self.log = RunCurves(), RunLog()
        self.problem = ""
        self.pid: int | None = None
        self.quiet_s = 0.0
        self._said_error = ""
        self._is_complete: bool | None = None
        self._student: Path | None = None
        self._followed = followed

    @property
    def is_attached(self) -> bool:
        """Whether the run is only followed by its folder."""
        return self._followed is not None

    @property
    def is_active(self) -> bool:
        """Whether it trains still, as far as is known."""
        return self.state in ("running", "stopping")

    @property
    def student(self) -> Path | None:
        """The bundle it left; None before that."""
        return self._student or student_of_run(self.folder)

    @property
    def patience_s(self) -> float:
        """How long a stop may take before the child is ended by force.

        15 s, or three steps where those are long; once the child has answered, it may take its
        time to write the student.
        """
        if self.progress.doing in ("saving the student", "student saved"):
            return _PATIENCE_TO_SAVE_S
        n_left = self.progress.total - self.progress.done
        if self.progress.left_s is None or n_left <= 0:
            return _PATIENCE_S
        return max(_PATIENCE_S, 3 * self.progress.left_s / n_left)

    def take_lines(self, lines: Iterable[str]) -> None:
        """Take lines of a child's output, events or not."""
        events = []
        for line in lines:
            event = parse_event(line)
            if event is None:
                self.log.add(line)
            else:
                events.append(event)
        self.take_events(events)
        self.log_changed.emit()

    def take_events(self, events: Iterable[RunEvent]) -> None:
        """Take events, and announce what changed once."""
        has_grown = False
        n_before, n_lines = self.progress, self.log.n_added
        for event in events:
            has_grown |= self.curves.add(event)
            self.progress = self.progress.after(event)
            self.log.add(describe_event(event))
            self._note(event)
        if has_grown:
            self.curves_changed.emit()
        if self.log.n_added != n_lines:
            self.log_changed.emit()
        if has_grown or self.progress != n_before:
            self.changed.emit()

    def look(self, *, now_s: float) -> None:
        """Read what was added to an attached run's folder; `now_s` is the time of day."""
        if self._followed is None:
            return
        news = self._followed.news()
        self._take_news(news)
        if self._is_complete is not None:
            self._set_state("done" if self._is_complete else "stopped")
        elif self._said_error:
            self.problem = describe_failure(ChildEnd(2), said=self._said_error)
            self._set_state("failed")
        else:
            self.quiet_s = max(now_s - self._followed.written_at(), 0.0)
            self._set_state("running")

    def stop_asked(self) -> None:
        """Say that the run was asked to stop and save."""
        if self.state == "running":
            self._set_state("stopping")

    def ended(self, end: ChildEnd) -> None:
        """Take the end of the child process."""
        if end.was_killed_here:
            self.problem = ""
            self._set_state("stopped")
            return
        if end.status == 0:
            self._set_state("stopped" if self._is_complete is False else "done")
            return
        self.problem = describe_failure(end, said=self._said_error)
        for line in end.tail[-5:]:
            self.log.add(line)
        self._set_state("failed")
        self.log_changed.emit()

    def describe(self) -> str:
        """Say where the run stands, in one line."""
        told = self.progress.describe()
        match self.state:
            case "running" if self.is_attached and self.quiet_s > _QUIET_S:
                return (
                    f"{told} · nothing new for {duration(self.quiet_s)}; if it no longer trains, "
                    "Resume"
                )
            case "running":
                return told
            case "stopping":
                return "stopping, saving the student …"
            case "done":
                return f"done after {self.progress.done:,} steps"
            case "stopped":
                saved = "stopped and saved" if self._is_complete is False else "stopped"
                return f"{saved} after {self.progress.done:,} of {self.progress.total:,} steps"
            case "failed":
                return "the training failed"

    def _take_news(self, news: RunNews) -> None:
        if news.is_anew:
            self.curves = RunCurves()
        self.take_events(news.events)

    def _note(self, event: RunEvent) -> None:
        kind = event.get("event")
        if kind == "start":
            self._said_error, self._is_complete = "", None
            pid = number(event, "pid")
            self.pid = None if pid is None else int(pid)
        elif kind == "error":
            self._said_error = str(event.get("message", "the training failed"))
        elif kind == "done":
            self._is_complete = event.get("is_complete") is not False
        elif kind == "student" and not self.is_attached:
            self._student = Path(str(event.get("path", "")))

    def _set_state(self, state: RunState) -> None:
        is_new = state != self.state
        self.state = state
        if is_new or self.is_attached:
            self.changed.emit()
