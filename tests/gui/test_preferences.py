"""What is set in napari's Preferences reaches the docks."""

import pytest
from napari.components import ViewerModel
from napari.settings import get_plugin_settings
from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog, QPushButton

from napari_tide._napari.plugin_preferences import current_preferences, start_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.plate_dock import PlateDock
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.viewmodels.preferences import Preferences

pytestmark = pytest.mark.gui


@pytest.fixture
def settings(plugin_settings, npe2pm, repository):
    npe2pm.register(PluginManifest.from_file(repository / "napari.yaml"))
    return get_plugin_settings("napari-tide")


def test_nothing_set_is_what_the_program_chooses(settings):
    assert current_preferences() == Preferences()
    assert start_of("exports", "hits.csv") == "hits.csv"


def test_what_is_set_is_read_anew_each_time(settings, tmp_path):
    settings.running.device, settings.running.batch_size = "cpu", 8
    settings.folders.exports = str(tmp_path)
    wanted = Preferences(device="cpu", batch_tiles=8, exports=str(tmp_path))
    assert current_preferences() == wanted
    assert start_of("exports", "hits.csv") == str(tmp_path / "hits.csv")
    settings.folders.exports = str(tmp_path / "gone")
    assert start_of("exports", "hits.csv") == "hits.csv"


def test_dialogs_open_in_the_folders_that_are_set(settings, qtbot, tmp_path, monkeypatch):
    settings.folders.screens = settings.folders.students = str(tmp_path)
    dock, asked = PlateDock(ViewerModel()), []
    qtbot.addWidget(dock)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *said: asked.append(said) or "")
    for name in ("Open folder…", "Browse…"):
        next(b for b in dock.findChildren(QPushButton) if b.text() == name).click()
    assert [said[2] for said in asked] == [str(tmp_path)] * 2


def test_device_and_batch_size_are_those_students_run_with(
    settings, qtbot, plate_folder, make_bundle
):
    viewer = ViewerModel()  # its desk lives as long as it does
    desk = desk_of(viewer)
    desk.session.open(read_screen(plate_folder, ReadOptions()))
    choice = desk.looking.choice
    choice.open(make_bundle().folder)
    qtbot.waitUntil(lambda: choice.is_ready, timeout=120_000)
    settings.running.device, settings.running.batch_size = "cpu", 3
    first = choice.engine()
    assert (first.embedder.device, first.embedder.batch_tiles) == ("cpu", 3)
    assert choice.engine() is first
    settings.running.batch_size = 5
    assert choice.engine().embedder.batch_tiles == 5
    desk.layers.source.cancel()
    qtbot.waitUntil(lambda: not desk.layers.is_loading and not desk.background.is_busy)
