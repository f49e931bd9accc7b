"""From an empty window to a hit list by mouse and keyboard, as a biologist would click."""

import csv
import datetime as dt
import itertools
import json
import shutil
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QLineF, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QColor, QPolygonF
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox, QFileDialog, QMenu, QPushButton, QTabBar

from napari_tide._napari.launch import add_docks
from napari_tide._napari.viewer_desk import ViewerDesk, desk_of
from napari_tide._napari.widgets.hits_dock import HitsDock
from napari_tide._napari.widgets.maps_dock import MapsDock
from napari_tide._napari.widgets.plate_dock import PlateDock
from napari_tide.discovery.hit_table import read_hits
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.sample_data import sample_folder
from napari_tide.viewmodels.well_colouring import VIRIDIS

pytestmark = [pytest.mark.gui, pytest.mark.slow]

LEFT = Qt.MouseButton.LeftButton
SECONDS = 1000
LONG = 900 * SECONDS  # maps are laid out, on a machine that may be busy
GENE = "FFAR4"
SIGNS = "=+-@"


@dataclass
class Window:
    """The real window and the docks in it."""

    viewer: object
    desk: ViewerDesk
    plate: PlateDock
    maps: MapsDock
    hits: HitsDock


@pytest.fixture
def window(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    add_docks(viewer)
    viewer.window.resize(1500, 950)
    QTest.qWait(100)
    docks = viewer.window.dock_widgets
    plate, maps, hits = (docks[f"{name} (napari-tide)"] for name in ("Plate", "Maps", "Hits"))
    shown = Window(viewer, desk_of(viewer), plate, maps, hits)
    yield shown
    shown.desk.maps.layouts.pause()
    shown.desk.background.cancel()
    qtbot.waitUntil(lambda: not shown.desk.background.is_busy, timeout=LONG)


@pytest.fixture
def sample(tmp_path):
    """The sample plate, but every drug its student knows has a name made to do harm in a table."""
    folder = shutil.copytree(sample_folder(), tmp_path / "sample")
    config_file = folder / "student" / "config.json"
    config = json.loads(config_file.read_text())
    names = {}
    for number, drug in enumerate(config["drugs"]):
        names[drug["name"]] = f'{SIGNS[number % 4]}{drug["name"]}, "{number}"\nth'
        drug["name"] = names[drug["name"]]
    config_file.write_text(json.dumps(config))
    screen = open_screen(folder)
    save_screen(
        screen.with_sites(screen.sites.replace({"compound": names})), folder / "screen.parquet"
    )
    return folder


def button(dock, text):
    (found,) = [b for b in dock.findChildren(QPushButton) if b.text() == text and b.isVisible()]
    return found


def click(widget, pos=None):
    assert widget.isVisible()
    assert widget.isEnabled()
    QTest.mouseClick(widget, LEFT, pos=pos if pos is not None else widget.rect().center())


def click_tab(window, title):
    for bar in window.viewer.window._qt_window.findChildren(QTabBar):
        for index in range(bar.count()):
            if bar.tabText(index).startswith(title):
                QTest.mouseClick(bar, LEFT, pos=bar.tabRect(index).center())
                return
    pytest.fail(f"no tab {title}")


def drag(view, corners):
    """Draw along points of a widget with the left button held."""
    QTest.mousePress(view, LEFT, pos=corners[0])
    for corner in corners[1:]:
        QTest.mouseMove(view, corner)
        QTest.qWait(30)
    QTest.mouseRelease(view, LEFT, pos=corners[-1])


def choose_from_menu(opener, text):
    """Open a button's menu by mouse and choose an entry by keys; some Qt wait in the menu."""
    chosen = []

    def choose():
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        (action,) = [a for a in menu.actions() if a.text() == text]
        assert action.isEnabled()
        for _ in menu.actions():
            if menu.activeAction() is not action:
                QTest.keyClick(menu, Qt.Key.Key_Down)
        QTest.keyClick(menu, Qt.Key.Key_Return)
        chosen.append(action)

    QTimer.singleShot(200, choose)
    click(opener)
    for _ in range(600):
        if chosen:
            break
        QTest.qWait(100)
    assert chosen, "the menu never opened"


def well_colour(plate_map, well):
    """The colour on screen beside the middle of a well, clear of marks."""
    image = plate_map.grab().toImage()
    return image.pixelColor(plate_map.well_center(well).toPoint() + QPoint(0, 3)).name()


def test_from_an_empty_window_to_a_hit_list(window, sample, qtbot, monkeypatch, tmp_path):
    open_the_sample(window, sample, qtbot, monkeypatch)
    run_the_plate(window, qtbot)
    click_a_hot_well(window, qtbot)
    wells = lasso_drugs(window, qtbot)
    ask_within_the_selection(window, qtbot, wells)
    starred = star_two_rows(window)
    export_and_read_back(window, monkeypatch, tmp_path, wells=wells, starred=starred)


def open_the_sample(window, sample, qtbot, monkeypatch):
    """Three clicks with the file dialog's; the first usable well loads itself."""
    plate, viewer = window.plate, window.viewer
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(sample))
    click(button(plate, "Open folder…"))
    qtbot.waitUntil(lambda: len(viewer.layers) == 5, timeout=LONG)
    assert [layer.name for layer in viewer.layers] == ["DNA", "ER", "RNA", "AGP", "Mito"]
    assert all(layer.data.any() for layer in viewer.layers)
    text = viewer.canvas.overlays.text.text
    assert text.startswith("A01 · ")
    assert "YC-1" in text
    assert text.endswith(" 2.5 µM · site 1 of 1")
    assert plate.status.value() == ""


def run_the_plate(window, qtbot):
    """One click; wells take their colours as they finish."""
    plate, desk = window.plate, window.desk
    qtbot.waitUntil(lambda: button(plate, "Plate").isEnabled(), timeout=LONG)
    before = {well: well_colour(plate.plate_map, well) for well in desk.plate.wells}
    click(button(plate, "Plate"))
    qtbot.waitUntil(lambda: len(desk.plate.fills) in range(1, 96), timeout=LONG)
    some = set(desk.plate.fills)
    qtbot.waitUntil(lambda: desk.looking.run.state == "idle", timeout=LONG)
    assert plate.student.run_bar.value() == "96 sites done"
    assert len(some) < len(desk.plate.fills) == 96
    changed = [w for w in desk.plate.wells if well_colour(plate.plate_map, w) != before[w]]
    assert len(changed) > 90
    assert desk.session.drug in set(desk.session.screen.sites["compound"])


def click_a_hot_well(window, qtbot):
    """The brightest well by what its tooltip says: its field comes, with the overlay."""
    plate, desk, viewer = window.plate, window.desk, window.viewer
    said = {well: desk.plate.describe(well) for well in desk.plate.wells}
    hot = max(said, key=lambda well: float(said[well].rpartition(" ")[2]))
    assert QColor(well_colour(plate.plate_map, hot)).getRgb()[:3] == VIRIDIS[-1]
    pixels = [layer.data.copy() for layer in channels(viewer)]
    click(plate.plate_map, plate.plate_map.well_center(hot).toPoint())
    qtbot.waitUntil(
        lambda: viewer.canvas.overlays.text.text.startswith(hot.name), timeout=60 * SECONDS
    )
    assert all((b != a.data).any() for b, a in zip(pixels, channels(viewer), strict=True))
    qtbot.waitUntil(lambda: len(viewer.layers) == 6, timeout=60 * SECONDS)
    (overlay,) = [layer for layer in viewer.layers if layer not in channels(viewer)]
    assert overlay.name == f"P({desk.session.drug})"
    assert np.isfinite(overlay.data).any()
    assert overlay.visible
    assert overlay.colorbar.visible


def channels(viewer):
    return [layer for layer in viewer.layers if "napari_tide" in layer.metadata]


def lasso_drugs(window, qtbot):
    """One drag in the map of learned effects; the map of structures and the plate follow."""
    maps, desk = window.maps, window.desk
    shown = [maps.panels["codebook"], maps.panels["chemistry"]]
    qtbot.waitUntil(lambda: not any(panel.value() for panel in shown), timeout=LONG)
    names, spots = list(desk.maps.maps.drugs.names), places_on_screen(maps, "codebook")
    sites = desk.session.screen.sites
    pair = nearest_pair(names, spots, known=set(sites["compound"]))
    corners = line_around(*(spots[place] for place in pair), spots)
    before = maps.panels["chemistry"].view.grab().toImage()
    drag(maps.panels["codebook"].view.viewport(), corners)
    sides = [sides_of(corners, spot) for spot in spots]
    drugs = {name for name, side in zip(names, sides, strict=True) if side == {True}}
    assert drugs >= {names[place] for place in pair}
    assert len(drugs) < len(names)
    after = maps.panels["chemistry"].view.grab().toImage()
    spots = places_on_screen(maps, "chemistry")
    free = [name for name, spot in zip(names, spots, strict=True) if stands_alone(spot, spots)]
    assert all(is_bright(before, spots[names.index(name)]) for name in free)
    assert all(is_bright(after, spots[names.index(name)]) for name in drugs)
    assert not any(is_bright(after, spots[names.index(name)]) for name in set(free) - drugs)
    wells = set(sites.loc[sites["compound"].isin(drugs), "well"])
    assert {well.name for well in desk.plate.selected_wells} == wells
    assert maps.count.text() == (
        f"{len(drugs)} of {len(names)} drugs, {len(wells)} of 96 wells selected"
    )
    return wells


def nearest_pair(names, spots, known):
    """The two drugs of the screen that lie closest together."""
    pairs = itertools.combinations([place for place, name in enumerate(names) if name in known], 2)
    return min(pairs, key=lambda two: (spots[two[0]] - spots[two[1]]).manhattanLength())


def line_around(one, other, spots):
    """An ellipse around two points, as narrow as runs clear of all others."""
    middle, half = QPointF(one + other) / 2, QPointF(other - one) / 2
    length = max(QLineF(QPointF(), half).length(), 1.0)
    along, across = half / length, QPointF(-half.y(), half.x()) / length
    angles = np.linspace(0, 2 * np.pi, 24)
    for wide, room in itertools.product(range(6, 60), range(6, 60)):
        steps = [(length + room) * np.cos(a) * along + wide * np.sin(a) * across for a in angles]
        corners = [(middle + step).toPoint() for step in steps]
        if all(len(sides_of(corners, spot)) == 1 for spot in spots):
            return corners
    pytest.fail("no line runs clear of all points")


def sides_of(corners, spot):
    """Whether what lies around a point is inside a line, outside, or both."""
    line = QPolygonF([QPointF(corner) for corner in corners])
    around = [QPoint(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return {line.containsPoint(QPointF(spot + step), Qt.FillRule.OddEvenFill) for step in around}


def stands_alone(spot, spots):
    return sum((other - spot).manhattanLength() < 16 for other in spots) == 1


def is_bright(image, spot):
    """Whether a point on a dark ground is drawn in its full colour."""
    return max(image.pixelColor(spot).getRgb()[:3]) > 140


def places_on_screen(maps, name):
    """Where every point of a map is, in pixels of the widget that shows it."""
    view = maps.panels[name].view
    places = maps._maps.places(name)
    scene = [view.box.mapViewToScene(QPointF(x, y)) for x, y in places.tolist()]
    return [view.mapFromScene(point) for point in scene]


def ask_within_the_selection(window, qtbot, wells):
    """A gene is typed, the box is ticked: only what was lassoed is ranked."""
    hits = window.hits
    click_tab(window, "Hits")
    qtbot.waitUntil(hits.isVisible, timeout=60 * SECONDS)
    click(hits.query.text)
    QTest.keyClicks(hits.query.text, GENE)
    (box,) = [b for b in hits.findChildren(QCheckBox) if b.text().startswith("Within")]
    assert box.text() == f"Within selection ({len(wells)})"
    click(box, QPoint(8, box.height() // 2))
    assert box.isChecked()
    QTest.keyClick(hits.query.text, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: hits.table.model().rowCount() > 0, timeout=LONG)
    sites = window.desk.session.screen.sites
    assert set(column(hits, "Compound")) == set(sites.loc[sites["well"].isin(wells), "compound"])
    assert hits.status.value() == ""


def star_two_rows(window):
    """One by the mouse, the next by the keyboard."""
    hits = window.hits
    table = hits.table
    cell = table.visualRect(table.model().index(0, 0))
    click(table.viewport(), cell.center())
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Space)
    assert column(hits, "★")[:2] == ["★", "★"]
    assert set(column(hits, "★")[2:]) <= {"☆"}
    assert hits.detail.structure.value()
    return column(hits, "Compound")[:2]


def column(hits, title):
    model = hits.table.model()
    titles = [
        model.headerData(place, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
        for place in range(model.columnCount())
    ]
    place = titles.index(title)
    return [model.index(row, place).data() for row in range(model.rowCount())]


def export_and_read_back(window, monkeypatch, tmp_path, *, wells, starred):
    """Two clicks a file: what was starred, and all."""
    hits, out = window.hits, tmp_path / "hits.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    choose_from_menu(button(hits, "Export CSV…"), "Starred rows…")
    assert read_hits(out)["compound"].tolist() == starred
    choose_from_menu(button(hits, "Export CSV…"), "All rows on show…")
    table, raw = read_hits(out), pd.read_csv(out, dtype=str, keep_default_na=False)
    assert tuple(raw.columns) == COLUMNS_OF_HITS
    assert table["compound"].tolist() == column(hits, "Compound")
    for hit in table.itertuples():
        places = [place.split(":") for place in hit.wells.split("|")]
        listed = {well for _, well in places}
        assert listed <= wells
        assert {plate for plate, _ in places} == set(hit.plates.split("|"))
        assert len(places) == hit.n_replicates
        on_edge = [well for well in listed if well[0] in "AH" or well[1:] in ("01", "12")]
        assert ("edge well" in hit.flags) == bool(on_edge)
        assert ("< 2 replicates" in hit.flags) == (len(listed) < 2)
    assert set(table["gene"]) == {GENE}
    assert table["p_value"].between(0, 1).all()
    assert (table["q_value"] >= table["p_value"]).all()
    assert set(table["student"]) == {window.desk.session.bundle.id}
    assert set(table["date"]) <= days_of_the_test()
    assert all(name[0] in SIGNS and name.endswith('"\nth') for name in table["compound"])
    assert_no_spreadsheet_runs(out)


def assert_no_spreadsheet_runs(path):
    """A cell is run where it begins with a sign of a formula and is no number."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(COLUMNS_OF_HITS)}
    for cell in itertools.chain.from_iterable(rows):
        if cell.startswith((*SIGNS, "\t", "\r", "\n")):
            float(cell)


def days_of_the_test():
    """Today; also yesterday, should the test run over midnight."""
    today = dt.datetime.now(dt.UTC).date()
    return {str(today), str(today - dt.timedelta(days=1))}


COLUMNS_OF_HITS = (
    "rank", "compound", "smiles", "dose_um", "gene", "score", "direction", "p_value", "q_value",
    "p_drug", "n_replicates", "plates", "wells", "known_target", "flags", "student", "date",
)  # fmt: skip
