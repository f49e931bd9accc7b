import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QHelpEvent, QPalette
from qtpy.QtWidgets import QToolTip

from napari_tide._napari.widgets.plate_map import PlateMap
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session

pytestmark = pytest.mark.gui


@pytest.fixture
def session(plate_folder):
    session = Session()
    session.open(read_screen(plate_folder, ReadOptions()))
    return session


@pytest.fixture
def plate_map(qtbot, session):
    widget = PlateMap(PlateViewModel(session))
    qtbot.addWidget(widget)
    widget.resize(360, 260)
    widget.show()
    return widget


def at(plate_map, name) -> QPoint:
    return plate_map.well_center(Well.parse(name)).toPoint()


def click(qtbot, plate_map, name, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(plate_map, Qt.MouseButton.LeftButton, modifier, at(plate_map, name))


def names(plate_map):
    return sorted(well.name for well in plate_map._plate.selected_wells)


def test_a_click_goes_to_the_well(qtbot, plate_map, session):
    click(qtbot, plate_map, "D03")
    assert session.well == Well.parse("D03")


def test_a_click_on_a_missing_well_says_so(qtbot, plate_map, session):
    click(qtbot, plate_map, "A01")
    assert "A01 of plate P1 was not imaged" in session.problem


def test_control_clicks_select_and_unselect(qtbot, plate_map, session):
    for name in ("B02", "H12", "B02", "C03"):
        click(qtbot, plate_map, name, Qt.KeyboardModifier.ControlModifier)
    assert names(plate_map) == ["C03", "H12"]
    assert session.well == Well.parse("B02")
    qtbot.keyClick(plate_map, Qt.Key.Key_Escape)
    assert names(plate_map) == []


def test_a_drag_selects_the_imaged_wells_it_spans(qtbot, plate_map, session):
    qtbot.mousePress(plate_map, Qt.MouseButton.LeftButton, pos=at(plate_map, "B04"))
    qtbot.mouseMove(plate_map, at(plate_map, "C05"))
    qtbot.mouseRelease(plate_map, Qt.MouseButton.LeftButton, pos=at(plate_map, "C05"))
    assert names(plate_map) == ["B04", "B05", "C05"]
    assert session.well == Well.parse("B02")


def test_arrow_keys_pass_over_missing_wells(qtbot, plate_map, session):
    click(qtbot, plate_map, "C03")
    qtbot.keyClick(plate_map, Qt.Key.Key_Right)
    assert session.well == Well.parse("C05")
    qtbot.keyClick(plate_map, Qt.Key.Key_Down)
    assert session.well == Well.parse("D05")


def test_the_plate_is_walked_without_a_mouse(qtbot, plate_map, session):
    click(qtbot, plate_map, "C03")
    qtbot.keyClick(plate_map, Qt.Key.Key_End)
    assert session.well == Well.parse("C05")
    qtbot.keyClick(plate_map, Qt.Key.Key_Space)
    qtbot.keyClick(plate_map, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(plate_map, Qt.Key.Key_Space)
    assert names(plate_map) == ["C05", "H12"]
    qtbot.keyClick(plate_map, Qt.Key.Key_Space)
    assert names(plate_map) == ["C05"]
    qtbot.keyClick(plate_map, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(plate_map, Qt.Key.Key_PageDown)
    assert (session.place.plate, session.well) == ("P2", Well.parse("B02"))
    qtbot.keyClick(plate_map, Qt.Key.Key_PageUp)
    assert session.place.plate == "P1"


@pytest.mark.parametrize("ink", ["#f0f1f2", "#1e1e21"])
def test_the_dot_of_a_positive_control_stands_out_from_its_colour(qtbot, plate_map, ink):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.WindowText, QColor(ink))
    plate_map.setPalette(palette)
    plate = plate_map._plate
    for column in ("dose_um", "compound"):
        plate.colour_by(column)
        picture = plate_map.grab().toImage()
        for well in (well for well in plate.wells if plate.control(well) == "poscon"):
            dot = picture.pixelColor(plate_map.well_center(well).toPoint())
            fill = QColor(*plate.fills[well])
            assert abs(dot.lightness() - fill.lightness()) > 60


def test_hovering_tells_the_session_and_the_tooltip(qtbot, plate_map, session):
    qtbot.mouseMove(plate_map, at(plate_map, "C02"))
    qtbot.waitUntil(lambda: session.hover == Well.parse("C02"))
    point = at(plate_map, "C03")
    plate_map.event(QHelpEvent(QHelpEvent.Type.ToolTip, point, plate_map.mapToGlobal(point)))
    assert QToolTip.text() == "C03 · nocodazole 6.4 µM · 2 sites"
    QToolTip.hideText()


@pytest.mark.parametrize("n_wells", [6, 96, 384, 1536])
def test_every_well_is_found_where_it_is_painted(qtbot, n_wells, monkeypatch):
    plate = PlateViewModel(Session())
    monkeypatch.setattr(PlateViewModel, "format", PlateFormat.of(n_wells))
    widget = PlateMap(plate)
    qtbot.addWidget(widget)
    widget.resize(420, 300)
    for well in plate.format.wells():
        assert widget.well_at(widget.well_center(well)) == well


@pytest.mark.parametrize(("paper", "ink"), [("#262930", "#f0f1f2"), ("#efebe9", "#3b3a39")])
def test_missing_wells_are_fainter_than_imaged_ones_in_both_themes(qtbot, plate_map, paper, ink):
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, QColor(paper))
    palette.setColor(QPalette.ColorRole.WindowText, QColor(ink))
    plate_map.setPalette(palette)
    picture = plate_map.grab().toImage()

    def distance(name):
        painted = picture.pixelColor(at(plate_map, name))
        return sum(
            abs(a - b)
            for a, b in zip(painted.getRgb()[:3], QColor(paper).getRgb()[:3], strict=True)
        )

    assert 0 < distance("A05") < distance("C02")
    assert distance("A05") < distance("H12")


def test_wells_are_painted_anew_with_other_colours_another_plate_and_another_size(
    qtbot, plate_map, session
):
    def painted(name):
        middle = at(plate_map, name)
        return plate_map.grab().toImage().pixelColor(middle).name()

    plate = plate_map._plate
    plate.colour_by("compound")
    by_compound = painted("C03")
    assert by_compound != painted("B03")
    plate.colour_by("")
    assert painted("C03") == painted("B03") != by_compound
    assert painted("D04") != painted("A02")
    session.choose_plate("P2")  # has B02 and C03 only
    assert painted("D04") == painted("A02")
    session.choose_plate("P1")
    plate_map.resize(720, 520)
    qtbot.waitUntil(lambda: painted("B04") == painted("C02") != painted("A02"))
