"""A picture of the window with the Hits dock at work.

``python -m napari_tide._napari.hits_screenshot SCREEN OUT --profiles TABLE --gene GENE``, run as a
process of its own, so that a virtual display can be started for it alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import napari
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication

from napari_tide._napari.hits_desk import hits_of
from napari_tide._napari.launch import open_viewer
from napari_tide._napari.reader import PLUGIN
from napari_tide._napari.viewer_desk import desk_of
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.hits import HitsViewModel

_SIZE = (1400, 860)
_SETTLE_S = 1.5


@dataclass(frozen=True, slots=True)
class HitsScene:
    """What the picture shows: nothing asked yet, or what acts like the knock-out of a gene."""

    screen: Path
    profiles: Path | None = None
    gene: str = ""
    theme: str = "dark"


def take_hits_screenshot(scene: HitsScene, out: Path, *, timeout_s: float = 120.0) -> str:
    """Open a screen, ask, look at the best hit, write the picture; give what went wrong."""
    get_settings().appearance.theme = scene.theme
    viewer = open_viewer(scene.screen)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Hits", tabify=True)
    viewer.window.resize(*_SIZE)
    desk, hits = desk_of(viewer), hits_of(viewer)
    ends = time.monotonic() + timeout_s
    _wait_until(lambda: bool(viewer.layers or desk.session.problem), ends)
    if scene.profiles is not None:
        _wait_until(lambda: not hits.busy, ends)
        hits.open_profiles(scene.profiles)
        _wait_until(lambda: hits.has_profiles or bool(hits.problem), ends)
    if scene.gene:
        _ask(hits, scene.gene, ends)
    _wait_until(lambda: False, time.monotonic() + _SETTLE_S)
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    problem = desk.session.problem or hits.problem
    viewer.close()
    return problem


def _ask(hits: HitsViewModel, gene: str, ends: float) -> None:
    hits.edit(HitQuestion(kind="gene", text=gene))
    hits.ask()
    _wait_until(lambda: not hits.busy, ends)
    if len(hits.list.rows) > 2:
        hits.list.star(0, is_starred=True)
        hits.list.star(2, is_starred=True)
        hits.list.choose(0)


def _wait_until(is_so: Callable[[], bool], ends: float) -> None:
    while not is_so() and time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.01)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screen", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--profiles", type=Path)
    parser.add_argument("--gene", default="")
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    options = parser.parse_args()
    scene = HitsScene(options.screen, options.profiles, options.gene, options.theme)
    app = napari.qt.get_qapp()
    problem = take_hits_screenshot(scene, options.out)
    app.processEvents()
    if problem:
        sys.stderr.write(problem + "\n")
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(_main())
