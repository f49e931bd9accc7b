import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPointF, Qt
from qtpy.QtWidgets import QComboBox, QLineEdit, QPushButton

from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets import scatter_view
from napari_tide._napari.widgets.map_view_box import lasso_mode
from napari_tide._napari.widgets.maps_dock import MAPS_DOCK_TITLE, MapsDock
from napari_tide.chem.drawing import draw_svg
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.well import Well

pytestmark = pytest.mark.gui


@pytest.fixture
def dock(qtbot, viewer):
    dock = MapsDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(1000, 320)
    dock.show()
    qtbot.waitExposed(dock)
    yield dock
    desk_of(viewer).maps.layouts.pause()


@pytest.fixture
def filled(dock, viewer, plate_folder, wait_for):
    """Wells of the test plate on a line; no student."""
    desk = desk_of(viewer)
    screen = read_screen(plate_folder, ReadOptions())
    desk.maps.layouts.pause()  # tests give the places themselves
    desk.session.open(screen)
    wait_for(viewer)
    sites = screen.sites.drop_duplicates(["plate", "well"])
    metadata = metadata_of_sites(sites).drop(columns="Metadata_Site")
    metadata["Metadata_SMILES"] = "CCO"
    features = np.random.default_rng(0).normal(size=(len(sites), 3)).astype(np.float32)
    desk.session.use_profiles(Profiles(metadata, features, embedding_names(3), "well", ""))
    places = np.stack([np.arange(len(sites)), np.arange(len(sites)) % 3], axis=1)
    desk.maps.maps.show_places("profiles", places.astype(np.float32))
    return desk


def button(dock, text) -> QPushButton:
    return next(b for b in dock.findChildren(QPushButton) if b.text() == text)


def spot(view, point):
    """Where a point is on the widget."""
    x, y = view._maps.places("profiles")[point].tolist()
    return view.mapFromScene(view.box.mapViewToScene(QPointF(x, y)))


def test_empty_maps_name_the_next_click(dock):
    sentences = [panel.value() for panel in dock.panels.values()]
    assert sentences == ["No student is chosen.", "No student is chosen.", "No profiles are open."]
    labels = [panel.button.text() for panel in dock.panels.values()]
    assert labels == ["Choose student…", "Choose student…", "Open profiles…"]
    assert get_settings().application.plugin_widget_positions[MAPS_DOCK_TITLE] == "bottom"


def test_every_control_explains_itself(dock, filled):
    controls = dock.findChildren((QPushButton, QComboBox, QLineEdit))
    silent = [c for c in controls if not c.toolTip() and not c.isHidden()]
    assert len(controls) >= 8
    assert silent == []


def test_a_click_on_a_point_shows_its_well(qtbot, dock, filled):
    view = dock.panels["profiles"].view
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=spot(view, 6))
    well = filled.session.profiles.metadata["Metadata_Well"][6]
    assert filled.session.well == Well.parse(well)
    assert "C05" in dock.tooltip.value()
    assert draw_svg("CCO").startswith("<svg")


def test_a_line_drawn_with_the_mouse_selects_wells_on_the_plate(qtbot, dock, filled):
    view = dock.panels["profiles"].view
    first = spot(view, 0)
    corners = [(-8, -8), (8, -8), (8, 8), (-8, 8), (-8, -7)]
    start, *rest = [first + type(first)(dx, dy) for dx, dy in corners]
    target = view.viewport()
    qtbot.mousePress(target, Qt.MouseButton.LeftButton, pos=start)
    for corner in rest:
        qtbot.mouseMove(target, corner)
        qtbot.wait(20)
    qtbot.mouseRelease(target, Qt.MouseButton.LeftButton, pos=rest[-1])
    assert [str(well) for well in filled.plate.selected_wells] == ["B02"]
    assert dock.count.text() == "1 of 14 wells selected"
    button(dock, "Clear").click()
    assert filled.plate.selected_wells == frozenset()


@pytest.mark.parametrize(
    ("keys", "mode"),
    [
        (Qt.KeyboardModifier.NoModifier, "replace"),
        (Qt.KeyboardModifier.ShiftModifier, "add"),
        (Qt.KeyboardModifier.AltModifier, "subtract"),
        (Qt.KeyboardModifier.ControlModifier, "subtract"),
    ],
)
def test_keys_held_say_what_a_lasso_does(keys, mode):
    assert lasso_mode(keys) == mode


def test_points_are_reached_without_a_mouse(qtbot, dock, filled):
    view = dock.panels["profiles"].view
    filled.session.go_to(Well.parse("B02"))
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert dock.tooltip.value() != ""
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert len(filled.plate.selected_wells) == 1
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert filled.session.well != Well.parse("B02")
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert filled.session.selection == frozenset()


def test_unticking_a_kind_hides_its_points(dock, filled):
    legend = dock.legend.kinds
    names = [legend.item(row).text() for row in range(legend.count())]
    assert names == ["etoposide  (4)", "nocodazole  (4)", "negative control  (5)", "not known  (1)"]
    legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert filled.maps.maps.visible("profiles").sum() == 10
    legend.itemDoubleClicked.emit(legend.item(1))
    assert filled.maps.maps.visible("profiles").sum() == 4


def test_many_points_become_a_picture_with_the_same_pixels(dock, filled, monkeypatch):
    view = dock.panels["profiles"].view
    assert not view.is_picture
    monkeypatch.setattr(scatter_view, "MOST_POINTS", 5)
    view.refresh()
    assert view.is_picture
    image = view._picture.image
    assert image.shape[2] == 4
    assert (image[..., 3] > 0).sum() == pytest.approx(14 * 5, abs=10)


def test_a_cancelled_map_can_be_laid_out_again(qtbot, dock, filled, monkeypatch):
    maps, layouts = filled.maps.maps, filled.maps.layouts
    panel = dock.panels["profiles"]
    filled.session.use_profiles(filled.session.profiles.take(np.arange(8)))
    assert (panel.value(), panel.button.text()) == ("8 points are not laid out yet.", "Lay out")
    layouts.start()
    qtbot.waitUntil(lambda: panel.button.text() == "Cancel", timeout=5000)
    panel.button.click()
    qtbot.waitUntil(lambda: not layouts.is_busy, timeout=10_000)
    assert maps.places("profiles") is None
    assert panel.button.text() == "Lay out"


def test_what_cannot_be_opened_is_a_sentence(qtbot, dock, tmp_path):
    import napari_tide.students.bundle  # noqa: F401 - torch takes its time on a busy machine

    dock.open_student(tmp_path)
    qtbot.waitUntil(lambda: "is no student bundle" in dock.status.value(), timeout=20_000)
    dock.open_profiles(tmp_path / "none.parquet")
    qtbot.waitUntil(lambda: "none.parquet" in dock.status.value(), timeout=20_000)


def test_the_dock_opens_at_the_bottom_of_a_real_window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    widget, _ = viewer.window.add_plugin_dock_widget("napari-tide", "Maps")
    assert widget.area == "bottom"
    viewer.close()
