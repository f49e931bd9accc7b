"""Pictures of every dock at work: ``python -m napari_tide._napari.tour_screenshot SCREEN OUT``.

Goes the way the tutorial goes: a student is run over the plate, the well in which it is surest of
that well's own drug is looked at, drugs are lassoed, a gene is asked about, and a training is made
ready. Run as a process of its own, so that a virtual display can be started for it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import napari
import numpy as np
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication, QWidget

from napari_tide._napari.hits_desk import hits_of
from napari_tide._napari.launch import open_viewer
from napari_tide._napari.viewer_desk import ViewerDesk, desk_of
from napari_tide.screens.well import Well
from napari_tide.viewmodels.hit_list_view import HitListView
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.maps import MAPS

_WINDOW, _TALL = (1440, 960), (1440, 1140)  # the second shows whole docks
_SETTLE_S = 1.0
_TITLES = ("Plate", "Maps", "Hits", "Train")


@dataclass(frozen=True, slots=True)
class Tour:
    """What is shown: a screen and its student, in a theme, asking about a gene."""

    screen: Path
    student: Path
    gene: str
    theme: str = "dark"


def take_tour(tour: Tour, out: Path, *, timeout_s: float = 600.0) -> str:
    """Write ``window``, ``plate``, ``maps``, ``hits`` and ``train``; give what went wrong."""
    get_settings().appearance.theme = tour.theme
    viewer = open_viewer(tour.screen)
    viewer.window.resize(*_WINDOW)
    desk, hits = desk_of(viewer), hits_of(viewer)
    ends = time.monotonic() + timeout_s
    _wait_until(lambda: bool(viewer.layers or desk.session.problem), ends)
    _run_plate(desk, tour.student, ends)
    _show_best_well(desk, ends)
    _wait_until(lambda: all(desk.maps.maps.places(name) is not None for name in MAPS), ends)
    _lasso_neighbours(desk)
    _wait(_SETTLE_S)
    viewer.screenshot(str(out / f"window_{tour.theme}.png"), canvas_only=False, flash=False)
    viewer.window.resize(*_TALL)
    hits.edit(HitQuestion(kind="gene", text=tour.gene))
    hits.ask()
    _wait_until(lambda: not hits.busy, ends)
    for title in _TITLES:
        _bring_forward(viewer, title)
        if title == "Hits":
            _look_at_hits(desk, hits.list)
        if title == "Train":  # it looks at the data once it is seen
            _wait_until(lambda: desk.training.viewmodel.state == "ready", ends)
            _wait(_SETTLE_S)
        dock = viewer.window.dock_widgets[f"{title} (napari-tide)"]
        dock.grab().save(str(out / f"{title.lower()}_{tour.theme}.png"))
    problem = desk.session.problem or hits.problem
    viewer.close()
    return problem


def _run_plate(desk: ViewerDesk, student: Path, ends: float) -> None:
    desk.looking.choice.open(student)
    _wait_until(lambda: desk.looking.choice.is_ready, ends)
    _wait_until(lambda: not desk.background.is_busy, ends)
    desk.looking.run.run("plate")
    _wait_until(lambda: desk.looking.run.state == "idle", ends)


def _show_best_well(desk: ViewerDesk, ends: float) -> None:
    """Look at the treated well whose own drug the student is surest of, with its overlay."""
    choice, wells = desk.looking.choice, desk.looking.run.results.wells
    if choice.scorer is None:
        return
    sure: dict[Well, float] = {}
    for well, outcome in wells.items():
        if (name := desk.plate.compound(well)) in choice.drugs:
            found = choice.scorer.probability(outcome.placed, choice.drugs.index(name))
            sure[well] = float(np.mean(found))
    if sure:
        best = max(sure, key=lambda well: sure[well])
        desk.session.choose_drug(desk.plate.compound(best))
        desk.session.go_to(best)
    desk.session.choose_overlay("controls")
    _wait_until(lambda: not (desk.looking.overlay.is_busy or desk.layers.is_loading), ends)


def _lasso_neighbours(desk: ViewerDesk) -> None:
    """Draw a circle around the drug in the map of learned effects, a seventh of the map wide."""
    maps = desk.maps.maps
    places = maps.places("codebook")
    if places is None or desk.session.drug not in maps.drugs.names:
        return
    middle = places[maps.drugs.names.index(desk.session.drug)]
    radius = (np.nanmax(places, axis=0) - np.nanmin(places, axis=0)).max() / 7
    angles = np.linspace(0, 2 * np.pi, 40)
    circle = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    maps.lasso("codebook", [(x, y) for x, y in circle.tolist()], "replace")


def _look_at_hits(desk: ViewerDesk, hits: HitListView) -> None:
    if len(hits.rows) > 2:
        hits.star(0, is_starred=True)
        hits.star(2, is_starred=True)
        hits.choose(0)
    _wait_until(lambda: not desk.layers.is_loading, time.monotonic() + 10)


def _bring_forward(viewer: napari.Viewer, title: str) -> None:
    area: QWidget = viewer.window.dock_widgets[f"{title} (napari-tide)"].parentWidget()
    area.raise_()
    _wait(_SETTLE_S)


def _wait_until(is_so: Callable[[], bool], ends: float) -> None:
    while not is_so() and time.monotonic() < ends:
        _wait(0.05)


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.01)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--gene", required=True, help="what the Hits dock is asked about")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    options = parser.parse_args()
    tour = Tour(options.screen, options.student, options.gene, options.theme)
    app = napari.qt.get_qapp()
    problem = take_tour(tour, options.out)
    app.processEvents()
    if problem:
        sys.stderr.write(problem + "\n")
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(_main())
