"""Pictures of the Train dock during a real, small training on the bundled sample.

``python -m napari_tide._napari.training_screenshot OUT --theme dark`` writes ``train_empty``,
``train_ready`` (with an estimate), ``train_running``, ``train_done`` and ``train_failed`` (the
child killed from outside); a process of its own, as `screenshot` is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import psutil
from napari.settings import get_settings
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import register_plugin
from napari_tide._napari.reader import PLATE_DOCK, PLUGIN, TRAIN_DOCK
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
_POINTS_WHILE_RUNNING, _POINTS_BEFORE_CRASH = 34, 8


class _Photographer:
    """Takes one picture after another of a viewer with the Train dock in front."""

    def __init__(self, out: Path, theme: str, timeout_s: float) -> None:
        self.out, self.theme, self.timeout_s = out, theme, timeout_s
        get_settings().appearance.theme = theme
        register_plugin()
        self.viewer = napari.Viewer(title="napari-tide", show_welcome_screen=False)
        self.viewer.window.resize(*_SIZE)
        self.viewer.window.add_plugin_dock_widget(PLUGIN, PLATE_DOCK)
        self.area, self.dock = self.viewer.window.add_plugin_dock_widget(
            PLUGIN, TRAIN_DOCK, tabify=True
        )
        self.desk = desk_of(self.viewer)
        self.training = self.desk.training.viewmodel

    def picture(self, name: str) -> None:
        """Write what the window shows now."""
        self.area.raise_()
        _wait(0.6)
        path = self.out / f"train_{name}_{self.theme}.png"
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)

    def wait(self, is_so: Callable[[], bool]) -> bool:
        """Wait, at most as long as was said."""
        return _wait_until(is_so, self.timeout_s)

    def n_points(self) -> int:
        """Count the points of the curves; enough of them once the run has ended."""
        run = self.training.run
        if run is None or not run.is_active:
            return _POINTS_WHILE_RUNNING
        return run.curves.n_points


def take_training_screenshots(out: Path, runs: Path, *, theme: str, timeout_s: float) -> str:
    """Take the pictures; give what went wrong, empty when nothing did."""
    taking = _Photographer(out, theme, timeout_s)
    training, driver = taking.training, taking.desk.training
    taking.wait(lambda: training.setup.catalogue is not None)
    taking.picture("empty")
    taking.desk.opener.open(sample_folder())
    problem = "the dock was never ready"
    if taking.wait(lambda: training.state == "ready"):
        _fill_in(taking.desk, runs / theme)
        driver.estimate()
        taking.wait(lambda: not training.estimate.is_running)
        taking.picture("ready")
        driver.start()
        taking.wait(lambda: taking.n_points() >= _POINTS_WHILE_RUNNING)
        taking.picture("running")
        taking.wait(lambda: not training.is_training)
        training.use_student()
        _show_card(taking.dock)
        taking.picture("done")
        problem = training.run.problem if training.run else ""
        _crash(taking, runs / f"{theme}-crashed")
        taking.picture("failed")
    problem = taking.desk.session.problem or training.setup.check_problem or problem
    driver.stop_now()
    taking.viewer.close()
    return problem


def _crash(taking: _Photographer, out: Path) -> None:
    """Train again, and end the child from outside."""
    taking.training.leave_run()
    taking.training.setup.choose_out(out)
    taking.desk.training.start()
    taking.wait(lambda: taking.n_points() >= _POINTS_BEFORE_CRASH)
    run = taking.training.run
    if run is not None and run.pid is not None:
        psutil.Process(run.pid).kill()
    taking.wait(lambda: not taking.training.is_training)


def _fill_in(desk: ViewerDesk, out: Path) -> None:
    setup = desk.training.viewmodel.setup
    setup.choose_recipe(_RECIPE)
    setup.choose_out(out)
    for key, text in _SETTINGS.items():
        setup.set_text(key, text)


def _show_card(dock: TrainingDock) -> None:
    dock.run.show_card()


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
