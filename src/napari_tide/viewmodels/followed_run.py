"""A run's folder read from outside, while somebody (perhaps another machine) trains into it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from napari_tide.errors import RunFormatError
from napari_tide.viewmodels.run_curves import RunCurves
from napari_tide.viewmodels.run_events import GrowingFile, RunEvent, parse_event

CONFIG, METRICS, LOG, STUDENT = "config.json", "metrics.jsonl", "log.txt", "student"
OUTPUT, ERRORS = "stdout.log", "stderr.log"


@dataclass(frozen=True, slots=True)
class RunNews:
    """What a look at the folder brought.

    Parameters
    ----------
    events
        New events: those of the log first, then points of the curves.
    is_anew
        The curves were rewritten, because the run went on from an earlier checkpoint; what was
        shown of them is void.
    """

    events: tuple[RunEvent, ...] = ()
    is_anew: bool = False


@dataclass(slots=True)
class FollowedRun:
    """Follows the curves and the log of one run."""

    folder: Path
    name: str
    _metrics: GrowingFile = field(init=False)
    _log: GrowingFile = field(init=False)

    def __post_init__(self) -> None:
        """Start at the beginning of both files."""
        self._metrics = GrowingFile(self.folder / METRICS)
        self._log = GrowingFile(self.folder / LOG)

    @classmethod
    def open(cls, folder: Path) -> FollowedRun:
        """Follow a run.

        Raises
        ------
        RunFormatError
            The folder holds no run.
        """
        return cls(folder, recipe_of_run(folder))

    def news(self) -> RunNews:
        """Give what was written since the last look; a torn last line waits for its end."""
        log, _ = self._log.read_new()
        points, is_anew = self._metrics.read_new()
        events = [parse_event(line) for line in (*log, *points)]
        return RunNews(tuple(event for event in events if event is not None), is_anew)

    def written_at(self) -> float:
        """Give the time of day (seconds since 1970) anything was last written here."""
        times = [0.0]
        for file in (self._metrics, self._log):
            with contextlib.suppress(OSError):
                times.append(file.path.stat().st_mtime)
        return max(times)


def recipe_of_run(folder: Path) -> str:
    """Give the name of the recipe a run was started with.

    Raises
    ------
    RunFormatError
        The folder holds no run, or its configuration is damaged.
    """
    path = folder / CONFIG
    if not path.is_file():
        message = f"{folder} holds no run: it has no {CONFIG}; choose the folder given as output"
        raise RunFormatError(message)
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is not a run's configuration; choose another run"
        raise RunFormatError(message) from error
    return str(name)


def curves_of_run(folder: Path) -> RunCurves:
    """Read the curves of a run once, to compare with others.

    Raises
    ------
    RunFormatError
        The folder holds no run.
    """
    return RunCurves().add_all(FollowedRun.open(folder).news().events)


def student_of_run(folder: Path) -> Path | None:
    """Give the bundle a run left; None where there is none yet."""
    bundle = folder / STUDENT
    return bundle if (bundle / "model.safetensors").is_file() else None
