"""What an evaluation found, as JSON for a script and as a Markdown table for a reader."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from napari_tide.discovery.bootstrap import Interval
from napari_tide.errors import OutputExistsError, OutputWriteError

Value = str | int | float | Interval | None


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """A table of results with its settings; chance or a baseline is always a row of it.

    Parameters
    ----------
    task
        The command's name; the files are called so.
    settings
        What was evaluated and how.
    rows
        Results, all with the same columns.
    notes
        What was left out or filled, and what to keep in mind.
    """

    task: str
    settings: Mapping[str, str | int | float]
    rows: Sequence[Mapping[str, Value]]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, object]:
        """Give one object; what is not known is null."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self.rows]
        settings = {name: _plain(value) for name, value in self.settings.items()}
        return {"task": self.task, "settings": settings, "rows": rows, "notes": list(self.notes)}

    def to_markdown(self) -> str:
        """Give the table, the settings above it and the notes below."""
        names = list(self.rows[0])
        settings = ", ".join(f"{name} {_text(value)}" for name, value in self.settings.items())
        lines = [
            f"# tide evaluate {self.task}",
            "",
            _cell(settings),
            "",
            f"| {' | '.join(names)} |",
            f"|{'---|' * len(names)}",
            *(f"| {' | '.join(_cell(_text(row[name])) for name in names)} |" for row in self.rows),
        ]
        if self.notes:
            lines += ["", *(f"- {_cell(note)}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def files_in(self, folder: Path) -> tuple[Path, Path]:
        """Name the files a report is written to."""
        return folder / f"{self.task}.json", folder / f"{self.task}.md"

    def write(self, folder: Path) -> None:
        """Write both files, each whole or not at all.

        Raises
        ------
        OutputWriteError
            The folder cannot be written to.
        """
        as_json, as_markdown = self.files_in(folder)
        _write(as_json, json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n")
        _write(as_markdown, self.to_markdown())


def refuse_folder(folder: Path, task: str, *, overwrite: bool) -> None:
    """Refuse a folder that is a file or holds the task's results already, before any work.

    Raises
    ------
    OutputWriteError, OutputExistsError
        It is or does.
    """
    if folder.exists() and not folder.is_dir():
        message = f"--out {folder} is a file; name a folder"
        raise OutputWriteError(message)
    taken = folder / f"{task}.json"
    if taken.exists() and not overwrite:
        message = f"{taken} is already there; choose another --out, or replace it: --overwrite"
        raise OutputExistsError(message)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"cannot write {path} ({error}); choose another --out"
        raise OutputWriteError(message) from error


def _plain(value: Value) -> object:
    if isinstance(value, Interval):
        return {name: _plain(part) for name, part in asdict(value).items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Value) -> str:
    if isinstance(value, Interval):
        return f"{value.low:.4f} to {value.high:.4f}" if math.isfinite(value.low) else ""
    if isinstance(value, float):
        return f"{value:.4f}" if math.isfinite(value) else ""
    return "" if value is None else str(value)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
