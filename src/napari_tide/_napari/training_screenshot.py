"""Pictures of the Train dock during a real, small training on the bundled sample.

``python -m napari_tide._napari.training_screenshot OUT --theme dark`` writes ``train_ready``,
``train_running`` and ``train_done``; a process of its own, as `screenshot` is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import open_viewer
from napari_tide._napari.reader import PLUGIN, TRAIN_DOCK
from napari_tide._napari.viewer_desk import ViewerDesk, desk_of
from napari_tide._napari.widgets.training_dock import TrainingDock
from napari_tide.screens.sample_data import sample_folder

_SIZE = (1400, 860)
_RECIPE = "debug_tide"
_SETTINGS = {
    "n_steps": "100",
    "encoder.image_px": "32",
    "data.tile_px": "128",
    "validation.n_times": "8",
}
_POINTS_WHILE_RUNNING = 34


def take_training_screenshots(out: Path, runs: Path, *, theme: str, timeout_s: float) -> str:
    """Take the three pictures; give what went wrong, empty when nothing did."""
    get_settings().appearance.theme = theme
    viewer = open_viewer(sample_folder())
    viewer.window.resize(*_SIZE)
    area, dock = viewer.window.add_plugin_dock_widget(PLUGIN, TRAIN_DOCK, tabify=True)
    area.raise_()
    desk = desk_of(viewer)
    training = desk.training.viewmodel

    def picture(name: str) -> None:
        _wait(0.6)
        viewer.screenshot(str(out / f"train_{name}_{theme}.png"), canvas_only=False, flash=False)

    is_set_up = _wait_until(lambda: training.state == "ready" and _has_recipes(desk), timeout_s)
    if is_set_up:
        _fill_in(desk, runs / theme)
        picture("ready")
        desk.training.start()
        _wait_until(lambda: _n_points(desk) >= _POINTS_WHILE_RUNNING, timeout_s)
        picture("running")
        _wait_until(lambda: not training.is_training, timeout_s)
        training.use_student()
        _show_card(dock)
        picture("done")
    problem = desk.session.problem or training.setup.check_problem
    problem = problem or (training.run.problem if training.run else "the dock was never ready")
    desk.training.stop_now()
    viewer.close()
    return problem


def _fill_in(desk: ViewerDesk, out: Path) -> None:
    setup = desk.training.viewmodel.setup
    setup.choose_recipe(_RECIPE)
    setup.choose_out(out)
    for key, text in _SETTINGS.items():
        setup.set_text(key, text)


def _show_card(dock: TrainingDock) -> None:
    dock.run.show_card()


def _has_recipes(desk: ViewerDesk) -> bool:
    return desk.training.viewmodel.setup.catalogue is not None


def _n_points(desk: ViewerDesk) -> int:
    run = desk.training.viewmodel.run
    if run is None or not run.is_active:
        return _POINTS_WHILE_RUNNING
    return run.curves.n_points


def _wait_until(is_so: Callable[[], bool], timeout_s: float) -> bool:
    ends = time.monotonic() + timeout_s
    while not is_so() and time.monotonic() < ends:
        _wait(0.05)
    return is_so()


def _wait(seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.01)


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", default="dark", choices=["dark", "light"])
    parser.add_argument("--timeout-s", type=float, default=400.0)
    options = parser.parse_args()
    napari.qt.get_qapp()
    with tempfile.TemporaryDirectory() as folder:
        problem = take_training_screenshots(
            options.out, Path(folder), theme=options.theme, timeout_s=options.timeout_s
        )
    if problem:
        sys.stderr.write(problem + "\n")
    return 2 if problem else 0


if __name__ == "__main__":
    sys.exit(_main())
