"""What the chosen training would take, once a probe has said so."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from psygnal import Signal

from napari_tide.viewmodels.failure_advice import ChildEnd, last_words
from napari_tide.viewmodels.run_events import parse_event


class TrainingEstimate:
    """Time and memory of the training that is filled in; void once anything of it is changed.

    Attributes
    ----------
    text
        ``"about 40 minutes and 3.1 GB on CPU"``; empty while nothing is known.
    details
        What the time goes to.
    problem
        Why there is no estimate, or what would not fit, with the way out.
    is_running
        Whether a probe is under way.
    """

    changed = Signal()
    outdated = Signal()

    def __init__(self) -> None:
        self.text = self.details = self.problem = ""
        self.is_running = False

    def begin(self) -> None:
        """Say that a probe is under way."""
        self._take("", "", "", is_running=True)

    def forget(self) -> None:
        """Forget what was found: it is of another training."""
        was_running = self.is_running
        if was_running or self.text or self.problem:
            self._take("", "", "", is_running=False)
        if was_running:
            self.outdated.emit()

    def ended(self, lines: Iterable[str], end: ChildEnd) -> None:
        """Take what a probe printed, and how it ended."""
        events = [event for event in map(parse_event, lines) if event is not None]
        for event in reversed(events):
            told = {name: str(event.get(name, "")) for name in ("text", "details", "advice")}
            if event["event"] == "estimate":
                self._take(told["text"], told["details"], told["advice"], is_running=False)
                return
            if event["event"] == "error":
                self._take("", "", str(event.get("message", "")), is_running=False)
                return
        self._take("", "", _describe_failure(end), is_running=False)

    def describe(self) -> str:
        """Say it in rich text; empty while nothing is known."""
        if self.is_running:
            return "Taking a few steps to see what it takes …"
        text = f"<b>{escape(_capital(self.text))}</b>" if self.text else ""
        details = escape(self.details)
        problem = f"⚠ {escape(_capital(self.problem))}." if self.problem else ""
        return "<br>".join(part for part in (text, details, problem) if part)

    def _take(self, text: str, details: str, problem: str, *, is_running: bool) -> None:
        self.text, self.details, self.problem = text, details, problem
        self.is_running = is_running
        self.changed.emit()


def _describe_failure(end: ChildEnd) -> str:
    if end.status < 0:
        return (
            "the estimate was ended from outside, often because the computer ran out of memory; "
            "lower the batch size"
        )
    last = last_words(end.tail) or "it said nothing"
    return f"there is no estimate ({last}); Start may still work"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
