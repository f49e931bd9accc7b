"""Lines of a training's output: events among whatever else was printed, torn lines held back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

RunEvent = Mapping[str, object]
_BEGINNING = '{"event"'


def parse_event(line: str) -> RunEvent | None:
    """Read one line as an event; a line that is none (a library's chatter, a torn one) is None.

    A progress bar that forgot its line break may stand before the event, or after it.
    """
    start = line.find(_BEGINNING)
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        return None
    return found


def number(event: RunEvent, name: str) -> float | None:
    """Give a number an event carries; None where it has none, or something else by that name."""
    value = event.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


class LineSplitter:
    """Cuts a stream of bytes into lines; the last, unfinished one waits for its end."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Take bytes as they come and give the lines they complete."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode("utf-8", errors="replace").rstrip("\r") for line in lines]

    def flush(self) -> list[str]:
        """Give what is left when nothing more will come."""
        rest, self._rest = self._rest, b""
        return [rest.decode("utf-8", errors="replace")] if rest.strip() else []


class GrowingFile:
    """Reads what was added to a text file since the last look.

    The file may not be there yet, may end in a torn line, and may be replaced by a shorter one
    when a run goes on from an earlier checkpoint; then it is read again from its beginning.
    """

    def __init__(self, path: Path, *, offset: int = 0) -> None:
        self.path = path
        self._offset = offset
        self._splitter = LineSplitter()
        self._identity: tuple[int, int] | None = None

    def read_new(self) -> tuple[list[str], bool]:
        """Give the new whole lines, and whether the file was begun anew."""
        try:
            with self.path.open("rb") as file:
                started_anew = self._look_at(file.fileno())
                file.seek(self._offset)
                chunk = file.read()
        except OSError:
            return [], False
        self._offset += len(chunk)
        return self._splitter.feed(chunk), started_anew

    def read_rest(self) -> list[str]:
        """Give everything left, a last line without its end as well."""
        lines, _ = self.read_new()
        return lines + self._splitter.flush()

    def _look_at(self, descriptor: int) -> bool:
        found = os.fstat(descriptor)
        identity = (found.st_dev, found.st_ino)
        is_other = self._identity is not None and identity != self._identity
        self._identity = identity
        if not is_other and found.st_size >= self._offset:
            return False
        self._offset, self._splitter = 0, LineSplitter()
        return True
