"""With real viewers: the reader, the sample, two viewers at once."""

import gc
import weakref

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication

from napari_tide._napari.reader import get_reader
from napari_tide._napari.viewer_desk import desk_of
from napari_tide.errors import ScreenMissingError
from napari_tide.screens.sample_data import sample_folder
from napari_tide.screens.well import Well

pytestmark = pytest.mark.gui

DOCK = "Plate (napari-tide)"


def test_opening_a_folder_shows_its_layers_and_the_dock(
    make_napari_viewer_proxy, plate_folder, qtbot
):
    viewer = make_napari_viewer_proxy()
    layers = viewer.open(plate_folder, plugin="napari-tide")
    assert [layer.name for layer in layers] == ["DNA", "ER", "Mito"]
    qtbot.waitUntil(lambda: DOCK in viewer.window.dock_widgets, timeout=5000)
    desk = desk_of(viewer)
    assert desk.session.well == Well.parse("B02")
    assert not desk.layers.is_loading
    assert len(viewer.layers) == 3
    desk.session.go_to(Well.parse("C03"))
    qtbot.waitUntil(lambda: layers[0].metadata["napari_tide"]["well"] == "C03", timeout=5000)
    assert len(viewer.layers) == 3
    assert tuple(layers[0].scale) == (0.6, 0.6)


def test_two_viewers_have_sessions_of_their_own(
    make_napari_viewer_proxy, plate_folder, qtbot, wait_for
):
    first, second = make_napari_viewer_proxy(), make_napari_viewer_proxy()
    desk_of(first).opener.open(plate_folder)
    desk_of(second).opener.open(plate_folder)
    wait_for(first)
    wait_for(second)
    desk_of(first).session.go_to(Well.parse("D03"))
    wait_for(first)
    assert first.layers[0].metadata["napari_tide"]["well"] == "D03"
    assert second.layers[0].metadata["napari_tide"]["well"] == "B02"


def test_the_sample_opens_from_the_menu(make_napari_viewer_proxy, qtbot):
    try:
        sample_folder()
    except ScreenMissingError:
        pytest.skip("this checkout carries no sample")
    viewer = make_napari_viewer_proxy()
    layers = viewer.open_sample("napari-tide", "simulated-plate")
    assert len(layers) == 5
    qtbot.waitUntil(lambda: DOCK in viewer.window.dock_widgets, timeout=5000)
    assert len(desk_of(viewer).plate.wells) == 96


def test_a_closed_viewer_leaves_no_session(make_napari_viewer, plate_folder, wait_for):
    viewer = make_napari_viewer()
    viewer.window.add_plugin_dock_widget("napari-tide", "Plate")
    desk_of(viewer).opener.open(plate_folder)
    wait_for(viewer)
    session = weakref.ref(desk_of(viewer).session)
    viewer.close()
    del viewer
    gc.collect()
    assert session() is None


def test_closing_while_a_well_loads_is_quiet(make_napari_viewer_proxy, plate_folder, wait_for):
    viewer = make_napari_viewer_proxy()
    desk_of(viewer).opener.open(plate_folder)
    desk = wait_for(viewer)
    desk.session.go_to(Well.parse("C02"))
    viewer.close()


def test_a_closed_dock_is_forgotten_and_comes_back_where_it_was(
    make_napari_viewer, plate_folder, wait_for
):
    viewer = make_napari_viewer()
    dock = viewer.window.add_plugin_dock_widget("napari-tide", "Plate")[1]
    desk_of(viewer).opener.open(plate_folder)
    desk = wait_for(viewer)
    viewer.window.remove_dock_widget(dock)
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    closed = weakref.ref(dock)
    del dock
    gc.collect()
    assert closed() is None
    desk.session.go_to(Well.parse("C02"))
    desk.session.hover_over(Well.parse("C03"))
    wait_for(viewer)
    again = viewer.window.add_plugin_dock_widget("napari-tide", "Plate")[1]
    assert again.plate_map.value() == Well.parse("C02")


@pytest.mark.parametrize("name", ["empty", "plain.csv", "plain.parquet", "stack.tif"])
def test_what_is_no_screen_is_left_to_other_readers(tmp_path, name):
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    else:
        path.write_text("a,b\n1,2\n")
    assert get_reader([str(path)]) is None
    assert get_reader(str(path)) is None or name == "plain.parquet"
