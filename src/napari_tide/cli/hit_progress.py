"""Progress of a ranking, with the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def hit_progress(*, is_shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr, and give what moves it."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (is_shown and console.is_terminal),  # a log would keep an empty line
    )
    with bar:
        task = bar.add_task("ranking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
