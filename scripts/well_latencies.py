"""What a user of the Plate dock waits for; `measure_latency.py` prints it.

From the key press or the end of the file dialog to the picture on the window: a field counts once
Qt has put a frame on screen that was drawn after its last channel was handed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_tide._napari.launch import open_viewer
from napari_tide._napari.viewer_desk import desk_of

REPEATS = 12
LOOK_S = 0.5  # how long a user looks at a well before going on
AGAIN = "load_data_again.csv"
_TIMEOUT_S = 60.0

Row = tuple[str, float, list[float]]


def measure(source: Path) -> list[Row]:
    """Give what was done, the budget, and the milliseconds of each repeat."""
    window = _Window()
    first = window.open_in_turns(source)
    following, far, held = window.step_on(), window.jump(), window.hold()
    window.viewer.close()
    return [
        ("first well after opening a plate, imports done, on screen", 1000, first[1:] or first),
        ("the very first plate after napari opened, on screen", 1000, first[:1]),
        (f"next well by arrow key after {LOOK_S} s at this one, on screen", 100, following),
        ("a well far away, which nothing foresees, on screen", 100, far),
        ("arrow key held down, a well", 100, held),
    ]


class _Window:
    """The real window, which says when a field is to be seen in it."""

    def __init__(self) -> None:
        self.viewer = open_viewer(None)
        self._desk = desk_of(self.viewer)
        self._n_frames = self._n_frames_before = 0
        for widget in QApplication.allWidgets():
            if isinstance(widget, QOpenGLWidget):
                widget.frameSwapped.connect(self._on_frame)
        self.viewer.layers.events.inserted.connect(self._on_layer)
        docks = self.viewer.window.dock_widgets
        self._plate_map = docks["Plate (napari-tide)"].plate_map
        process_for(2)  # the window paints itself while a user looks for the folder

    def open_in_turns(self, source: Path) -> list[float]:
        """Time first wells, of the plate and of its copy beside it where there is one."""
        other = source.with_name(AGAIN)
        taken = []
        for number in range(5):
            asked = other if number % 2 and other.is_file() else source
            before = self._desk.session.screen
            start = time.perf_counter()
            self._desk.opener.open(asked)
            process_until(lambda before=before: self._desk.session.screen is not before)
            taken.append(self._seen_since(start))
            process_for(LOOK_S)
        return taken

    def step_on(self) -> list[float]:
        """Time arrow keys along a row and down a column, as one looks through a plate."""
        QTest.keyClick(self._plate_map, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
        keys = [Qt.Key.Key_Right] * (REPEATS // 2) + [Qt.Key.Key_Down] * (REPEATS // 2)
        return list(self._press(keys, look_s=LOOK_S))

    def jump(self) -> list[float]:
        """Time wells all over the plate, as one clicks on hits."""
        rng, taken = np.random.default_rng(0), []
        wells = self._desk.plate.wells
        for _ in range(REPEATS):
            process_for(LOOK_S)
            well = wells[int(rng.integers(len(wells)))]
            start = time.perf_counter()
            self._desk.session.go_to(well)
            taken.append(self._seen_since(start))
        return taken

    def hold(self) -> list[float]:
        """Time wells asked for as soon as the last one is seen."""
        QTest.keyClick(self._plate_map, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
        process_for(LOOK_S)
        return list(self._press([Qt.Key.Key_Left] * REPEATS, look_s=0))

    def _press(self, keys: Sequence[Qt.Key], *, look_s: float) -> Iterator[float]:
        for key in keys:
            process_for(look_s)
            before = self._desk.session.place
            start = time.perf_counter()
            QTest.keyClick(self._plate_map, key)
            if self._desk.session.place != before:
                yield self._seen_since(start)

    def _seen_since(self, start: float) -> float:
        process_until(self._is_seen)
        return 1000 * (time.perf_counter() - start)

    def _is_seen(self) -> bool:
        place = self._desk.session.place
        if self._desk.layers.is_loading or place is None or not self.viewer.layers:
            return False
        label = self.viewer.layers[-1].metadata["napari_tide"]
        is_there = (label["source"], label["well"], label["site"]) == (
            self._desk.session.screen.source, place.well.name, place.site,
        )  # fmt: skip
        return is_there and self._n_frames > self._n_frames_before

    def _on_layer(self) -> None:
        self._on_data()
        self.viewer.layers[-1].events.data.connect(self._on_data)

    def _on_data(self) -> None:
        self._n_frames_before = self._n_frames

    def _on_frame(self) -> None:
        self._n_frames += 1


def process_until(is_so: Callable[[], bool]) -> None:
    """Let the window work until something is so."""
    ends = time.monotonic() + _TIMEOUT_S
    while not is_so() and time.monotonic() < ends:
        QApplication.processEvents()
        time.sleep(0.0005)  # as a real event loop, let the reading threads have Python


def process_for(seconds: float) -> None:
    """Let the window work for a while."""
    ends = time.monotonic() + seconds
    process_until(lambda: time.monotonic() > ends)
