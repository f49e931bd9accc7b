"""A run's events as lines a person reads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from napari_tide.viewmodels.run_events import RunEvent, number

_MOST_LINES = 400
_SILENT = frozenset({"step", "packing", "scfm", "recipe"})


def describe_event(event: RunEvent) -> str:
    """Say an event in one line; empty for those the curves and the progress bar show."""
    kind = str(event.get("event"))
    if kind in _SILENT:
        return ""
    sentence = _SENTENCES.get(kind)
    return kind if sentence is None else sentence(event)


class RunLog:
    """The newest lines of a run's log."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self.n_added = 0

    @property
    def lines(self) -> Sequence[str]:
        """The lines kept, oldest first."""
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """Add a line; an empty one is left out."""
        if line.strip():
            self._lines.append(line.rstrip())
            self.n_added += 1


def _pairing(table: object) -> str:
    """Give the row of all lines of the pairing table."""
    rows = table if isinstance(table, list) else []
    every = next(
        (row for row in rows if isinstance(row, dict) and row.get("cell_line") == "all"), {}
    )
    paired, drugs = every.get("paired_images"), every.get("drugs_in_paired_images")
    if paired is None:
        return ""
    return f"{paired} of {every.get('images')} images have a transcriptome, of {drugs} drugs"


def _whole(event: RunEvent, name: str) -> str:
    value = number(event, name)
    return "?" if value is None else f"{value:,.0f}"


def _start(event: RunEvent) -> str:
    begins = f"going on at step {_whole(event, 'step')}" if number(event, "step") else "started"
    return f"{event.get('recipe', 'a run')} {begins}, {_whole(event, 'n_steps')} steps in all"


def _data(event: RunEvent) -> str:
    return (
        f"{_whole(event, 'n_training')} images train, {_whole(event, 'n_validation')} choose the "
        f"checkpoint, {_whole(event, 'n_held_out')} stay unseen; {_whole(event, 'n_drugs')} drugs"
    )


def _validation(event: RunEvent) -> str:
    best = ", the best so far" if event.get("is_best") is True else ""
    share, chance = number(event, "knn_top1") or 0.0, number(event, "chance_top1") or 0.0
    at = _whole(event, "step")
    return f"step {at}: k-NN {100 * share:.1f} % (chance {100 * chance:.1f} %){best}"


def _done(event: RunEvent) -> str:
    whole = "done" if event.get("is_complete") is not False else "stopped and saved"
    return f"{whole} after step {_whole(event, 'step')}"


_SENTENCES: Mapping[str, Callable[[RunEvent], str]] = {
    "start": _start,
    "data": _data,
    "pairing": lambda event: _pairing(event.get("table")),
    "validation": _validation,
    "checkpoint": lambda event: f"checkpoint at step {_whole(event, 'step')}",
    "stopping": lambda event: f"stopping after step {_whole(event, 'step')}, saving the student",
    "student": lambda event: f"student written to {event.get('path', 'the folder of the run')}",
    "done": _done,
    "warning": lambda event: f"note: {event.get('message', '')}",
    "error": lambda event: f"error: {event.get('message', '')}",
}
