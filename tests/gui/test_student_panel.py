"""The student's half of the Plate dock, with a tiny student and real worker threads."""

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.screens.well import Well

pytestmark = pytest.mark.gui


@pytest.fixture
def ready(qtbot, dock, viewer, plate_folder, wait_for, make_bundle):
    dock.open(plate_folder)
    desk = wait_for(viewer)
    dock.student.open(make_bundle().folder)
    qtbot.waitUntil(lambda: desk.looking.choice.is_ready, timeout=20_000)
    yield desk
    desk.looking.run.cancel()
    qtbot.waitUntil(lambda: not desk.background.is_busy, timeout=20_000)


def click(dock, text):
    next(b for b in dock.findChildren(QPushButton) if b.text() == text).click()


def overlay_of(viewer):
    return [layer for layer in viewer.layers if "napari_tide_overlay" in layer.metadata]


def test_the_overlay_is_one_layer_that_changes_in_place(qtbot, dock, ready, viewer, wait_for):
    ready.session.choose_overlay("dense")
    qtbot.waitUntil(lambda: bool(overlay_of(viewer)), timeout=20_000)
    layer = overlay_of(viewer)[0]
    assert isinstance(layer, Image)
    assert layer.interpolation2d == "nearest"
    assert tuple(layer.contrast_limits) == (0, 1)
    assert tuple(layer.scale) == (0.6, 0.6)
    assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
    assert layer.axis_labels == ("y", "x")
    assert layer.colorbar.visible
    assert layer.data.shape == viewer.layers["DNA"].data.shape
    before = layer.data.copy()
    ready.session.choose_drug("drug2")
    assert overlay_of(viewer) == [layer]
    assert layer.name == "P(drug2)"
    assert not np.array_equal(layer.data, before)
    ready.session.go_to(Well.parse("C02"))
    wait_for(viewer)
    qtbot.waitUntil(lambda: bool(np.isfinite(layer.data).any()), timeout=20_000)
    assert overlay_of(viewer) == [layer]
    ready.session.choose_overlay("off")
    assert overlay_of(viewer) == []


def test_a_removed_overlay_comes_back_with_the_next_map(qtbot, ready, viewer):
    ready.session.choose_overlay("tile")
    qtbot.waitUntil(lambda: bool(overlay_of(viewer)), timeout=20_000)
    viewer.layers.remove(overlay_of(viewer)[0])
    ready.session.choose_drug("drug3")
    assert len(overlay_of(viewer)) == 1


def test_run_plate_colours_wells_and_cancel_keeps_them(qtbot, dock, ready):
    click(dock, "Well")
    qtbot.waitUntil(lambda: ready.looking.run.state == "idle", timeout=20_000)
    assert dock.student.run_bar.value() == "2 sites done"
    click(dock, "Plate")
    qtbot.waitUntil(lambda: ready.plate.colour_choice.title == "P(drug0)", timeout=20_000)
    click(dock, "Cancel")
    qtbot.waitUntil(lambda: ready.looking.run.state == "idle", timeout=20_000)
    assert len(ready.plate.fills) >= 1
    click(dock, "Plate")
    qtbot.waitUntil(lambda: ready.looking.run.state == "idle", timeout=20_000)
    assert set(ready.plate.fills) == set(ready.plate.wells)
    assert len(ready.session.profiles) == len(ready.plate.wells)


def test_pointing_at_a_tile_names_its_drugs(qtbot, dock, ready, viewer):
    ready.session.choose_overlay("tile")
    qtbot.waitUntil(lambda: bool(overlay_of(viewer)), timeout=20_000)
    hover = ready.looking.hover
    hover.look_at((10 * 0.6, 40 * 0.6))
    expected = ready.looking.overlay.top_drugs_at(10.5, 40.5)
    assert hover.text == ", ".join(f"{name} {p:.0%}" for name, p in expected)
    hover.look_at((-50.0, 0.0))
    assert hover.text == ""


def test_cells_of_a_labels_layer_take_their_colours(qtbot, dock, ready, viewer):
    labels = np.zeros((64, 64), np.int32)
    labels[5:20, 5:20], labels[30:50, 30:50] = 4, 9
    mine = viewer.add_labels(labels, name="mine", scale=(0.6, 0.6))
    assert ready.looking.cell_layer.choices() == ["mine"]
    ready.looking.cell_layer.use("mine")
    qtbot.waitUntil(lambda: "index" in mine.features.columns, timeout=20_000)
    assert list(mine.features["index"]) == [4, 9]
    assert len({tuple(mine.get_color(number)) for number in (4, 9)}) == 2
    ready.session.choose_drug("drug1")
    assert "P(drug1)" in mine.features.columns
    assert [layer for layer in viewer.layers if isinstance(layer, Labels)] == [mine]


def test_typing_part_of_a_name_finds_the_drug(qtbot, dock, ready):
    chooser = dock.student.findChild(type(dock.student._drugs))
    chooser.lineEdit().clear()
    qtbot.keyClicks(chooser.lineEdit(), "DRUG3")
    qtbot.keyClick(chooser.lineEdit(), Qt.Key.Key_Return)
    assert ready.session.drug == "drug3"
    qtbot.keyClicks(chooser.lineEdit(), "no such drug")
    qtbot.keyClick(chooser.lineEdit(), Qt.Key.Key_Return)
    assert chooser.currentText() == "drug3"
    assert ready.session.drug == "drug3"


def test_a_student_for_other_channels_is_a_sentence(qtbot, dock, ready, make_bundle):
    dock.student.open(make_bundle("golgi", channels=("DNA", "Golgi")).folder)
    qtbot.waitUntil(lambda: "needs Golgi" in dock.status.value(), timeout=20_000)
    assert ready.looking.choice.name == "student"


def test_without_a_student_the_panel_names_the_next_click(dock, plate_folder, viewer, wait_for):
    dock.open(plate_folder)
    wait_for(viewer)
    assert "Browse…" in dock.student._note.text()
    assert not dock.student.run_bar.findChild(QPushButton, "plate").isEnabled()


def test_closing_during_a_run_leaves_nothing_and_loses_nothing(
    qtbot, make_napari_viewer, plate_folder, wait_for, make_bundle
):
    viewer = make_napari_viewer()
    viewer.window.add_plugin_dock_widget("napari-tide", "Plate")
    desk = desk_of(viewer)
    desk.opener.open(plate_folder)
    wait_for(viewer)
    desk.looking.choice.open(make_bundle().folder)
    qtbot.waitUntil(lambda: desk.looking.choice.is_ready, timeout=20_000)
    qtbot.waitUntil(lambda: not desk.background.is_busy, timeout=20_000)
    desk.looking.run.run("plate")
    qtbot.waitUntil(lambda: desk.looking.run.progress[0] >= 1, timeout=20_000)
    viewer.close()
    qtbot.waitUntil(lambda: not desk.background.is_busy, timeout=20_000)
    results = plate_folder.with_name("plates.tide")
    assert len(list(results.rglob("*.sites"))) == 1
    qtbot.waitUntil(lambda: not list(results.rglob("*.lock")), timeout=20_000)
    assert desk.looking.run.state != "idle" or desk.looking.run.results.sites
