"""Reading ahead in threads: the next well is there at once, and nobody waits for a guess."""

import gc
import threading
import weakref

import pytest
from napari.components import ViewerModel
from napari.qt.threading import create_worker
from qtpy.QtCore import QThreadPool

from napari_tide._napari.background_worker import WorkerBackground
from napari_tide._napari.viewer_desk import desk_of
from napari_tide.imaging import planes
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels import field_planes
from napari_tide.viewmodels.background import CancelToken

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


@pytest.fixture
def stuck(monkeypatch):
    """Planes of C02 take for ever, until told otherwise; gives the names of all planes read."""

    class Stuck:
        begun, go_on, read = threading.Event(), threading.Event(), []

    read_plane = planes.read_plane

    def read(address):
        Stuck.read.append(address.path.name)
        if "C02" in address.path.name:
            Stuck.begun.set()
            Stuck.go_on.wait(20)
        return read_plane(address)

    monkeypatch.setattr(field_planes, "read_plane", read)
    yield Stuck
    Stuck.go_on.set()


def test_what_is_asked_for_is_read_before_what_is_only_likely(viewer, qtbot, stuck):
    """A plane that takes for ever holds up the guess it belongs to, and nothing else."""
    session = desk_of(viewer).session
    session.go_to(Well.parse("B02"))
    qtbot.waitUntil(stuck.begun.is_set)
    session.go_to(Well.parse("D05"), site=1)
    qtbot.waitUntil(lambda: shown(viewer) == "D05")
    assert not stuck.go_on.is_set()


def test_a_viewer_closed_while_it_reads_ahead_leaves_nothing_and_asks_nothing(
    make_napari_viewer, plate_folder, qtbot, stuck
):
    viewer = make_napari_viewer()
    session = desk_of(viewer).session
    session.open(open_screen(plate_folder))
    qtbot.waitUntil(stuck.begun.is_set)
    assert viewer.window._task_status_manager.get_status() == []  # napari asks where there is any
    left = weakref.ref(session)
    viewer.close()
    del viewer, session
    stuck.go_on.set()
    qtbot.waitUntil(lambda: QThreadPool.globalInstance().activeThreadCount() == 0)

    def is_forgotten():
        gc.collect()
        return left() is None

    qtbot.waitUntil(is_forgotten)


def test_for_a_viewer_that_is_gone_work_stops_and_none_is_begun(qtbot):
    wanted, steps, begun = [True], [], []

    def work():
        while True:
            begun.append(1)
            yield 1

    def on_step(step):
        steps.append(step)
        wanted.clear()

    background, token = WorkerBackground(lambda: bool(wanted)), CancelToken()
    told = {"on_step": on_step, "on_done": steps.append, "on_failed": steps.append}
    background.start(lambda: until_cancelled(work(), token), **told, token=token)
    qtbot.waitUntil(lambda: len(steps) == 1 and not background.is_busy)
    assert token()
    n_begun, second = len(begun), CancelToken()
    background.start(work, **told, token=second)
    assert second()
    assert not background.is_busy
    assert (len(begun), steps) == (n_begun, [1])


def until_cancelled(steps, token):
    for step in steps:
        if token():
            return
        yield step


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
