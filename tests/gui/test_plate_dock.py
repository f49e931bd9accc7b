import pandas as pd
import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.plate_dock import PlateDock
from napari_tide.screens.well import Well

pytestmark = pytest.mark.gui


@pytest.fixture
def opened(dock, viewer, plate_folder, wait_for):
    dock.open(plate_folder)
    return wait_for(viewer)


def button(dock, text) -> QPushButton:
    return next(b for b in dock.findChildren(QPushButton) if b.text() == text)


def pixels(viewer):
    return [int(layer.data[0, 0]) for layer in viewer.layers]


def expected(code_of, well, site, plate="P1"):
    return [code_of(plate, well, site, channel) for channel in ("DNA", "ER", "Mito")]


def test_the_first_well_shows_itself_with_scale_units_and_names(opened, viewer, code_of):
    assert [layer.name for layer in viewer.layers] == ["DNA", "ER", "Mito"]
    assert pixels(viewer) == expected(code_of, "B02", 1)
    for layer in viewer.layers:
        assert tuple(layer.scale) == (0.6, 0.6)
        assert [str(unit) for unit in layer.units] == ["micrometer", "micrometer"]
        assert layer.axis_labels == ("y", "x")
        assert layer.blending == "additive"
        assert layer.metadata["napari_tide"]["well"] == "B02"
    assert viewer.canvas.overlays.text.text == "B02 · DMSO (negative control) · site 1 of 2"


def test_a_click_puts_the_next_well_into_the_same_layers(
    qtbot, dock, opened, viewer, wait_for, code_of
):
    layers = list(viewer.layers)
    limits = [tuple(layer.contrast_limits) for layer in layers]
    point = dock.plate_map.well_center(Well.parse("C03")).toPoint()
    qtbot.mouseClick(dock.plate_map, Qt.MouseButton.LeftButton, pos=point)
    wait_for(viewer)
    assert list(viewer.layers) == layers
    assert pixels(viewer) == expected(code_of, "C03", 1)
    assert [tuple(layer.contrast_limits) for layer in layers] == limits
    assert viewer.canvas.overlays.text.text == "C03 · nocodazole 6.4 µM · site 1 of 2"
    assert layers[0].metadata["napari_tide"]["well"] == "C03"


def test_the_newest_of_many_quick_clicks_wins(opened, viewer, wait_for, code_of):
    for name in ("B03", "B04", "C02", "D02", "D05", "H12", "C05"):
        opened.session.go_to(Well.parse(name))
    wait_for(viewer)
    assert pixels(viewer) == expected(code_of, "C05", 1)


def test_sites_and_plates_are_stepped_through(qtbot, dock, opened, viewer, wait_for, code_of):
    opened.session.step_site(1)
    wait_for(viewer)
    assert pixels(viewer) == expected(code_of, "B02", 2)
    opened.session.choose_plate("P2")
    wait_for(viewer)
    assert pixels(viewer) == expected(code_of, "B02", 2, plate="P2")


def test_a_broken_image_blanks_its_channel_and_says_so(
    dock, opened, viewer, wait_for, plate_folder
):
    (plate_folder / "P1" / "C03_s1_ER.tif").write_bytes(b"no tiff")
    opened.session.go_to(Well.parse("C03"))
    wait_for(viewer)
    assert [bool(layer.data.any()) for layer in viewer.layers] == [True, False, True]
    assert viewer.layers["ER"].data.shape == (64, 64)
    assert "ER of well C03 left blank" in dock.status.value()
    button(dock, "Copy details").click()
    assert "C03_s1_ER.tif" in QApplication.clipboard().text()
    assert "napari-tide" in QApplication.clipboard().text()
    opened.session.go_to(Well.parse("C02"))
    wait_for(viewer)
    assert viewer.layers["ER"].data.any()
    assert dock.status.value() == ""


def test_a_removed_layer_stays_away_until_all_are_gone(opened, viewer, wait_for):
    viewer.layers.remove("ER")
    opened.session.go_to(Well.parse("C02"))
    wait_for(viewer)
    assert [layer.name for layer in viewer.layers] == ["DNA", "Mito"]
    viewer.layers.clear()
    opened.session.go_to(Well.parse("C03"))
    wait_for(viewer)
    assert [layer.name for layer in viewer.layers] == ["DNA", "ER", "Mito"]


def test_a_source_that_is_no_screen_is_a_sentence(qtbot, dock, viewer, tmp_path):
    dock.open(tmp_path / "nowhere")
    qtbot.waitUntil(lambda: "does not exist" in dock.status.value(), timeout=5000)
    assert "notification" not in dock.status.value()
    assert desk_of(viewer).session.screen is None


def test_another_screen_takes_the_layers_as_new_and_keeps_the_users_own(
    qtbot, dock, opened, viewer, wait_for, plate_folder, tmp_path
):
    viewer.add_points([[1, 1]], name="mine")
    er = viewer.layers["ER"]
    new = {key: getattr(er, key) for key in ("contrast_limits", "opacity", "gamma", "visible")}
    er.contrast_limits, er.opacity, er.gamma, er.visible = (3, 7), 0.1, 2.0, not er.visible
    other = plate_folder.rename(tmp_path / "other")
    dock.open(other)
    qtbot.waitUntil(lambda: opened.session.screen.source.startswith(str(other)), timeout=5000)
    wait_for(viewer)
    assert sorted(layer.name for layer in viewer.layers) == ["DNA", "ER", "Mito", "mine"]
    er = viewer.layers["ER"]
    assert {key: getattr(er, key) for key in new} == new
    assert er.metadata["napari_tide"]["source"].startswith(str(other))


def test_a_screen_of_other_channels_gets_layers_of_its_own(
    qtbot, dock, opened, viewer, wait_for, plate_folder, tmp_path
):
    before = list(viewer.layers)
    table = pd.read_parquet(plate_folder / "screen.parquet").drop(columns="path_Mito")
    other = plate_folder.rename(tmp_path / "other")
    (other / "screen.parquet").unlink()
    table.to_csv(other / "screen.csv", index=False)
    dock.open(other / "screen.csv")
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=10_000)
    assert [layer.name for layer in viewer.layers] == ["DNA", "ER"]
    assert not set(viewer.layers) & set(before)


def test_a_plate_map_joins_without_loading_the_field_again(
    qtbot, dock, opened, viewer, wait_for, tmp_path
):
    opened.session.go_to(Well.parse("C02"))
    wait_for(viewer)
    pixels_before = [layer.data for layer in viewer.layers]
    (tmp_path / "map.csv").write_text("well_position,compound\nC02,taxol\nC03,taxol\n")
    dock.join_plate_map(tmp_path / "map.csv")
    qtbot.waitUntil(lambda: "taxol" in opened.plate.treatment(), timeout=10_000)
    assert opened.session.well == Well.parse("C02")
    assert "taxol" in viewer.canvas.overlays.text.text
    after = [layer.data for layer in viewer.layers]
    assert all(old is new for old, new in zip(pixels_before, after, strict=True))


def test_dropping_a_folder_on_the_dock_opens_it(dock, viewer, plate_folder, wait_for):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(plate_folder))])
    copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    plain = Qt.KeyboardModifier.NoModifier
    dock.dropEvent(QDropEvent(QPointF(5, 5), copy, mime, left, plain))
    wait_for(viewer)
    assert len(viewer.layers) == 3


def test_every_control_explains_itself(dock, opened):
    controls = [
        child
        for child in dock.findChildren(QWidget)
        if type(child).__name__ in ("QPushButton", "QComboBox")
    ]
    assert len(controls) >= 9
    assert [c for c in controls if not c.toolTip()] == []


def test_the_empty_dock_names_the_next_click(dock):
    assert button(dock, "Open sample plate").isVisible()
    assert not dock.plate_map.isVisible()


def test_a_dock_opened_later_shows_what_is_already_open(qtbot, dock, opened, viewer):
    second = PlateDock(viewer)
    qtbot.addWidget(second)
    assert second.plate_map.value() == Well.parse("B02")
