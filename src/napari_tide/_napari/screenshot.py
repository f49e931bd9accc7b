"""A picture of the real window: ``python -m napari_tide._napari.screenshot SOURCE OUT``.

Run as a process of its own, so that a virtual display can be started for it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import open_viewer
from napari_tide._napari.viewer_desk import ViewerDesk, desk_of
from napari_tide.viewmodels.maps import DRUG_MAPS, MAPS, MapName
from napari_tide.viewmodels.overlay import TITLES
from napari_tide.viewmodels.session import OverlayMode

_SIZE = (1400, 860)


def take_screenshot(
    source: Path | None,
    out: Path,
    *,
    theme: str = "dark",
    colour_by: str = "",
    student: Path | None = None,
    profiles: Path | None = None,
    look_up: str = "",
    lasso: str = "",
    overlay: OverlayMode = "off",
    timeout_s: float = 240.0,
) -> str:
    """Open a screen, wait for its first well, write the picture; give the session's problem.

    With a student or profiles their maps are waited for too; `look_up` is typed into the Maps
    dock's search, `lasso` selects the drugs around the one of that name.
    """
    get_settings().appearance.theme = theme
    viewer = open_viewer(source)
    viewer.window.resize(*_SIZE)
    desk = desk_of(viewer)
    ends = time.monotonic() + timeout_s
    while source is not None and not viewer.layers and not desk.session.problem:
        if time.monotonic() > ends:
            break
        _wait(0.05)
    if student is not None and overlay != "off":
        _run_plate(desk, student, overlay, ends=time.monotonic() + 2 * timeout_s)
    if colour_by:
        desk.plate.colour_by(colour_by)
    if student is not None and overlay == "off":
        _open_maps(desk, student, profiles, ends)
    if lasso:
        _lasso_around(desk, lasso)
    if look_up:
        desk.maps.look_up(look_up)
    _wait(1.0)
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    problem = desk.session.problem
    viewer.close()
    return problem


def _open_maps(desk: ViewerDesk, student: Path, profiles: Path | None, ends: float) -> None:
    """Use a student and profiles, and wait until all their maps are laid out."""
    wanted: tuple[MapName, ...] = DRUG_MAPS
    desk.maps.open_student(student)
    _wait_for_task(desk, ends)
    if profiles is not None:
        wanted = MAPS
        desk.maps.open_profiles(profiles)
        _wait_for_task(desk, ends)
    while any(desk.maps.maps.places(name) is None for name in wanted):
        if time.monotonic() > ends or desk.session.problem:
            break
        _wait(0.1)


def _wait_for_task(desk: ViewerDesk, ends: float) -> None:
    while desk.maps.opening.is_busy and time.monotonic() < ends:
        _wait(0.05)


def _lasso_around(desk: ViewerDesk, drug: str) -> None:
    """Draw a circle around a drug in the map of learned effects, a seventh of the map wide."""
    maps = desk.maps.maps
    places = maps.places("codebook")
    if places is None or drug not in maps.drugs.names:
        return
    middle = places[maps.drugs.names.index(drug)]
    radius = (np.nanmax(places, axis=0) - np.nanmin(places, axis=0)).max() / 14
    angles = np.linspace(0, 2 * np.pi, 40)
    circle = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    maps.lasso("codebook", [(x, y) for x, y in circle.tolist()], "replace")


def _run_plate(desk: ViewerDesk, student: Path, overlay: OverlayMode, *, ends: float) -> None:
    """Run a student over the plate and lay a map over the field."""
    desk.looking.choice.open(student)
    _wait_while(lambda: not desk.looking.choice.is_ready, ends)
    _wait_while(lambda: desk.background.is_busy, ends)
    desk.looking.run.run("plate")
    _wait_while(lambda: desk.looking.run.state != "idle", ends)
    desk.session.choose_overlay(overlay)
    _wait_while(lambda: desk.looking.overlay.is_busy, ends)


def _wait_while(is_so: Callable[[], bool], ends: float) -> None:
    while is_so() and time.monotonic() < ends:
        _wait(0.05)


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
    parser.add_argument("--profiles", type=Path)
    parser.add_argument("--look-up", default="")
    parser.add_argument("--lasso", default="", help="select the drugs around this one")
    parser.add_argument("--student", type=Path, help="run it over the plate first")
    parser.add_argument("--overlay", default="off", choices=list(TITLES))
    options = parser.parse_args()
    source = None if options.source == "-" else Path(options.source)
    app = napari.qt.get_qapp()
    problem = take_screenshot(
        source,
        options.out,
        theme=options.theme,
        colour_by=options.colour_by,
        student=options.student,
        profiles=options.profiles,
        look_up=options.look_up,
        lasso=options.lasso,
        overlay=options.overlay,
    )
    app.processEvents()
    if problem:
        sys.stderr.write(problem + "\n")
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(_main())
