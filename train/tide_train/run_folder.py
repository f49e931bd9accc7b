"""A run on disk: configuration, environment, curves, log, checkpoints and the student.

Everything is written whole or not at all; what a killed run left is cut back to its last
checkpoint, so that the curve goes on without a doubled or torn line.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import BaseModel, ValidationError

from napari_tide.errors import OutputExistsError, OutputWriteError, RunFormatError
from tide_train.events import Event, json_line
from tide_train.run_config import RunConfig

CONFIG, ENVIRONMENT, METRICS, LOG = "config.json", "environment.json", "metrics.jsonl", "log.txt"
CHECKPOINTS, STUDENT, ADAPTER = "checkpoints", "student", "rna_adapter"
_CURVES = frozenset({"step", "validation", "scfm"})


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / CHECKPOINTS
        self.student = path / STUDENT
        self.adapter = path / ADAPTER

    @property
    def exists(self) -> bool:
        """Whether a run was started here."""
        return (self.path / CONFIG).is_file()

    def create(self, config: BaseModel, environment: dict[str, object]) -> None:
        """Start a run.

        Raises
        ------
        OutputExistsError
            A run is here already.
        OutputWriteError
            The folder cannot be written.
        """
        self.refuse_started()
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.write_json(ENVIRONMENT, environment)
            (self.path / METRICS).write_text("", encoding="utf-8")
            self.write_json(CONFIG, config.model_dump(mode="json", by_alias=True))
        except OSError as error:
            message = f"cannot write {self.path}: {error.strerror or error}; choose another --out"
            raise OutputWriteError(message) from error

    def refuse_started(self) -> None:
        """Refuse to begin where a run was begun.

        Raises
        ------
        OutputExistsError
            A run is here already.
        """
        if self.exists:
            message = f"{self.path} holds a run already; pass --resume to go on, or another --out"
            raise OutputExistsError(message)

    def config(self) -> RunConfig:
        """Read the configuration the run was started with.

        Raises
        ------
        RunFormatError
            There is none, or it is damaged.
        """
        path = self.path / CONFIG
        if not path.is_file():
            message = f"{self.path} is no run: it has no {CONFIG}; start one without --resume"
            raise RunFormatError(message)
        try:
            return RunConfig.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
            message = f"{path} is not a run's configuration: {first}; start a new run"
            raise RunFormatError(message) from error

    def environment(self) -> dict[str, object]:
        """Read what the run was started on; empty where that was lost."""
        try:
            found = json.loads((self.path / ENVIRONMENT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_json(self, name: str, content: object) -> None:
        """Replace a file of the run at once."""
        self.write_text(name, json.dumps(content, indent=2, default=str))

    def write_text(self, name: str, content: str) -> None:
        """Replace a text of the run at once."""
        path = self.path / name
        partial = path.with_name(path.name + ".partial")
        partial.write_text(content, encoding="utf-8")
        os.replace(partial, path)  # noqa: PTH105 - the same call on every system

    def record(self, happened: Event) -> None:
        """Add a point to the curves, or a line to the log."""
        name = METRICS if happened["event"] in _CURVES else LOG
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(json_line(happened) + "\n")
        except OSError as error:
            message = (
                f"cannot write {self.path / name}: {error.strerror or error}; make room there and "
                "go on with --resume"
            )
            raise OutputWriteError(message) from error

    def metrics(self) -> list[Event]:
        """Read the curves; a torn last line is left out."""
        path = self.path / METRICS
        if not path.is_file():
            return []
        points: list[Event] = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                point = json.loads(line)
            except ValueError:
                continue
            if isinstance(point, dict):
                points.append(point)
        return points

    def cut_back(self, n_steps: int) -> None:
        """Forget points of steps that the checkpoint to go on from does not know."""
        kept = [
            point
            for point in self.metrics()
            if point.get("event") == "scfm" or _step(point) <= n_steps
        ]
        partial = self.path / (METRICS + ".partial")
        partial.write_text("".join(json_line(point) + "\n" for point in kept), encoding="utf-8")
        os.replace(partial, self.path / METRICS)  # noqa: PTH105


def _step(point: Event) -> int:
    step = point.get("step")
    return step if isinstance(step, int) else 0
