"""Progress over sites on stderr: a bar on a terminal, a line now and then in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LINE_EVERY_S = 10.0

Show = Callable[[int, int], None]


class SitePace:
    """How fast sites go, and how long the rest takes; sites of an earlier run do not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: tuple[float, int] | None = None
        self.sites_per_s = 0.0

    def update(self, done: int, total: int) -> str:
        """Say where the work stands."""
        now = self._clock()
        if self._began is None:
            self._began = (now, done)
        began_at, began_with = self._began
        elapsed_s = now - began_at
        if done <= began_with or elapsed_s <= 0:
            return f"{done} of {total} sites"
        self.sites_per_s = (done - began_with) / elapsed_s
        left = _duration((total - done) / self.sites_per_s)
        return f"{done} of {total} sites, {self.rate}, {left} left"

    @property
    def rate(self) -> str:
        """Say the pace, with two digits where it is slow."""
        digits = 1 if self.sites_per_s >= 1 else 2
        return f"{self.sites_per_s:.{digits}f} sites/s"


@contextmanager
def site_progress(pace: SitePace, command: str) -> Iterator[Show]:
    """Give a function to call with sites done and sites in all; lines begin with the command."""
    if not sys.stderr.isatty():
        yield _lines(pace, command)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("preparing", total=None)
        yield lambda done, total: bar.update(
            task, description=pace.update(done, total), completed=done, total=total
        )


def _lines(pace: SitePace, command: str) -> Show:
    written_at: list[float] = []

    def show(done: int, total: int) -> None:
        said = pace.update(done, total)
        now = time.monotonic()
        if not written_at or done == total or now - written_at[-1] >= _LINE_EVERY_S:
            written_at.append(now)
            sys.stderr.write(f"tide {command}: {said}\n")

    return show


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"
