"""The button that shows the nearest negative control, and back."""

import pytest
from qtpy.QtWidgets import QPushButton

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.screens.well import Well

pytestmark = pytest.mark.gui


@pytest.fixture
def opened(dock, viewer, plate_folder, wait_for):
    dock.open(plate_folder)
    desk = wait_for(viewer)
    desk.session.go_to(Well.parse("C03"))
    return wait_for(viewer)


def compare(dock) -> QPushButton:
    return next(b for b in dock.findChildren(QPushButton) if b.isCheckable())


def codes(viewer):
    return [int(layer.data[0, 0]) for layer in viewer.layers]


def expected(code_of, well):
    return [code_of("P1", well, 1, channel) for channel in ("DNA", "ER", "Mito")]


def test_one_click_shows_the_control_with_the_same_limits_and_one_goes_back(
    dock, opened, viewer, wait_for, code_of
):
    viewer.layers["ER"].contrast_limits = (12, 345)
    limits = [tuple(layer.contrast_limits) for layer in viewer.layers]
    button = compare(dock)
    well = str(opened.control.control)
    assert button.text() == f"Nearest DMSO: {well}"
    button.click()
    wait_for(viewer)
    assert codes(viewer) == expected(code_of, well)
    assert viewer.canvas.overlays.text.text.startswith(f"{well} · DMSO (negative control)")
    assert (button.text(), button.isChecked()) == ("Back to C03", True)
    button.click()
    wait_for(viewer)
    assert codes(viewer) == expected(code_of, "C03")
    assert not button.isChecked()
    assert [tuple(layer.contrast_limits) for layer in viewer.layers] == limits


def test_a_second_flip_reads_no_file(dock, opened, viewer, wait_for, plate_folder, code_of):
    compare(dock).click()
    wait_for(viewer)
    for image in (plate_folder / "P1").glob("*.tif"):
        image.unlink()
    dock._flip.activated.emit()
    assert codes(viewer) == expected(code_of, "C03")  # at once, without an event loop
    dock._flip.activated.emit()
    assert codes(viewer) == expected(code_of, str(opened.session.well))
    assert opened.session.problem == ""


def test_a_plate_without_controls_switches_the_button_off_and_says_why(
    qtbot, dock, viewer, plate_folder, wait_for
):
    dock.open(plate_folder)
    session = wait_for(viewer).session
    sites = session.screen.sites.copy()
    sites["control"] = ""
    session.open(session.screen.with_sites(sites))
    wait_for(viewer)
    assert not compare(dock).isEnabled()
    assert "no negative controls" in compare(dock).toolTip()
    assert desk_of(viewer).control.control is None
