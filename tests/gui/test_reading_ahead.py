"""Reading ahead in threads: the next well is there at once, and nobody waits for a guess."""

import threading
import time

import pytest
from napari.components import ViewerModel
from napari.qt.threading import create_worker
from qtpy.QtCore import QThreadPool

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.imaging import planes
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels import field_planes

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer(plate_folder, qtbot):
    """A viewer without a window, at C03, whose neighbours are read."""
    viewer = ViewerModel()
    session = desk_of(viewer).session
    session.open(open_screen(plate_folder))
    session.go_to(Well.parse("C03"))
    qtbot.waitUntil(lambda: shown(viewer) == "C03")
    yield viewer
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)


def shown(viewer):
    return viewer.layers[0].metadata["napari_tide"]["well"] if viewer.layers else ""


def channels_ahead(viewer, well):
    desk = desk_of(viewer)
    site = desk.session.screen.site("P1", Well.parse(well), desk.session.place.site)
    return len(desk.layers.source.ahead.planes(site))


def test_the_next_well_is_shown_within_the_key_press(viewer, qtbot, code_of):
    qtbot.waitUntil(lambda: channels_ahead(viewer, "D03") == 3)
    desk_of(viewer).plate.step(rows=1)
    assert shown(viewer) == "D03"
    for layer in viewer.layers:
        assert layer.data[0, 0] == code_of("P1", "D03", 1, layer.name)


def test_what_is_asked_for_is_read_before_what_is_only_likely(viewer, qtbot, monkeypatch):
    """A plane that takes for ever holds up the guess it belongs to, and nothing else."""
    stuck, go_on = threading.Event(), threading.Event()
    first_read = planes.read_plane

    def read(address):
        if "C02" in address.path.name:
            stuck.set()
            go_on.wait(20)
        return first_read(address)

    monkeypatch.setattr(field_planes, "read_plane", read)
    desk_of(viewer).session.go_to(Well.parse("B02"))
    qtbot.waitUntil(stuck.is_set)
    began = time.monotonic()
    desk_of(viewer).session.go_to(Well.parse("D05"), site=1)
    qtbot.waitUntil(lambda: shown(viewer) == "D05")
    assert time.monotonic() - began < 5
    assert not go_on.is_set()
    go_on.set()


def test_a_well_comes_while_long_work_has_every_thread_qt_gives(plate_folder, qtbot):
    """As on two cores, where a run of the plate and a map are under way."""
    pool = QThreadPool.globalInstance()
    pool.setMaxThreadCount(2)
    end = threading.Event()
    viewer = ViewerModel()
    session = desk_of(viewer).session
    workers = [create_worker(end.wait, 20, _start_thread=True) for _ in range(3)]
    try:
        session.open(open_screen(plate_folder))
        qtbot.waitUntil(lambda: shown(viewer) == "B02")
    finally:
        end.set()
    qtbot.waitUntil(lambda: not any(worker.is_running for worker in workers))
