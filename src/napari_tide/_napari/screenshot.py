"""A picture of the real window: ``python -m napari_tide._napari.screenshot SOURCE OUT``.

Run as a process of its own, so that a virtual display can be started for it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import napari
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import open_viewer
from napari_tide._napari.viewer_desk import desk_of

_SIZE = (1400, 860)


def take_screenshot(
    source: Path | None,
    out: Path,
    *,
    theme: str = "dark",
    colour_by: str = "",
    timeout_s: float = 240.0,
) -> str:
    """Open a screen, wait for its well and student, write the picture; give the problem if any."""
    get_settings().appearance.theme = theme
    viewer = open_viewer(source)
    viewer.window.resize(*_SIZE)
    desk = desk_of(viewer)
    ends = time.monotonic() + timeout_s
    while source is not None and not viewer.layers and not desk.session.problem:
        if time.monotonic() > ends:
            break
        _wait(0.05)
    _wait(0.5)  # by then the student beside a screen is being opened
    while desk.looking.choice.is_loading and time.monotonic() < ends:
        _wait(0.05)
    if colour_by:
        desk.plate.colour_by(colour_by)
    _wait(0.5)
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    problem = desk.session.problem
    viewer.close()
    return problem


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.01)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="a screen, or '-' for the empty dock")
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--colour-by", default="")
    options = parser.parse_args()
    source = None if options.source == "-" else Path(options.source)
    app = napari.qt.get_qapp()
    problem = take_screenshot(source, options.out, theme=options.theme, colour_by=options.colour_by)
    app.processEvents()
    if problem:
        sys.stderr.write(problem + "\n")
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(_main())
