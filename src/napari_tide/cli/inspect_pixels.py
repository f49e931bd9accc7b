"""``tide inspect --check-pixels``: read every plane, say which cannot be and which look wrong."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from napari_tide.screens.wording import counted

if TYPE_CHECKING:
    from napari_tide.inference.pixel_check import PixelCheck
    from napari_tide.screens.screen import Screen

_N_EXAMPLES = 6


def checked_pixels(screen: Screen) -> PixelCheck:
    """Read every plane, with a bar on stderr where that is a terminal; Ctrl-C ends it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from napari_tide.inference.pixel_check import check_pixels

    console = Console(stderr=True)
    columns = TextColumn("reading sites"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=screen.n_sites)
        return check_pixels(screen, progress=lambda done, _: bar.update(task, completed=done))


def pixel_facts(check: PixelCheck) -> dict[str, object]:
    """Give what was found, ready to print as JSON."""
    return {
        "planes": check.planes,
        "unreadable": [asdict(plane) for plane in check.unreadable],
        "flagged": {flag.replace(" ", "_"): n for flag, n in check.counts().items()},
        "flagged_sites": [asdict(site) for site in check.flagged],
    }


def pixel_rows(check: PixelCheck) -> dict[str, str]:
    """Give what was found as rows of the table people read."""
    rows = {"planes": f"{check.planes} read, {len(check.unreadable)} unreadable"}
    for flag, n in check.counts().items():
        if n:
            wells = [f"{it.plate} {it.well}:{it.site}" for it in check.flagged if flag in it.flags]
            more = ", ..." if n > _N_EXAMPLES else ""
            rows[flag] = f"{counted(n, 'site')} ({', '.join(wells[:_N_EXAMPLES])}{more})"
    return rows
