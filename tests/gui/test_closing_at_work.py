"""A real viewer that is closed while its maps are being laid out."""

import gc
import shutil
import time
import weakref

import psutil
import pytest
from qtpy.QtCore import QEvent, QThreadPool
from qtpy.QtWidgets import QApplication

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.screens.sample_data import sample_folder
from napari_tide.students.bundle import load_bundle

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture
def student(tmp_path):
    """The sample's student, without the maps that come with it."""
    ignored = shutil.ignore_patterns("maps")
    folder = shutil.copytree(sample_folder() / "student", tmp_path / "student", ignore=ignored)
    return load_bundle(folder)


def children():
    """Processes this one started to lay maps out."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "napari_tide.profiles.project_file" in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def test_closing_is_prompt_and_ends_the_layout_with_its_process(
    make_napari_viewer_proxy, student, qtbot
):
    viewer = make_napari_viewer_proxy()
    dock = weakref.ref(viewer.window.add_plugin_dock_widget("napari-tide", "Maps")[1])
    desk = desk_of(viewer)
    layouts, maps = desk.maps.layouts, desk.maps.maps
    desk.session.show_bundle(student)
    begun = []
    qtbot.waitUntil(lambda: begun.extend(children()) or len(begun) > 0, timeout=60_000)
    assert layouts.is_busy
    began = time.monotonic()
    viewer.close()
    assert time.monotonic() - began < 15  # 0.3 s, but for other work on the machine
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qtbot.waitUntil(lambda: not layouts.is_busy, timeout=20_000)
    assert children() == []
    assert not any(child.is_running() for child in begun)
    assert QThreadPool.globalInstance().waitForDone(20_000)
    assert [maps.status(name).text for name in ("chemistry", "codebook")] == ["", ""]
    gc.collect()
    assert dock() is None
    assert list((student.folder).glob("maps/*")) == []
