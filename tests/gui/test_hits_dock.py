import numpy as np
import pandas as pd
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_tide._napari.hits_desk import hits_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.hits_dock import HitsDock
from napari_tide.discovery.hit_table import read_hits
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen

pytestmark = pytest.mark.gui

COMPOUNDS = {"nocodazole": "COC(=O)c1nc2cc(C(=O)c3cccs3)ccc2[nH]1", "etoposide": "CCO"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def table(tmp_path):
    """Profiles of two plates on which nocodazole acts like TUBB."""
    random = np.random.default_rng(0)
    effect = 2 * random.standard_normal(16)
    rows, features = [], []
    for plate in ("P1", "P2"):
        wells = [("DMSO", "", "negcon")] * 10 + [("nocodazole", "", ""), ("etoposide", "", "")] * 2
        wells += [("", "TUBB", ""), ("", "TOP2A", "")] * 2
        for number, (compound, gene, control) in enumerate(wells):
            well = f"{'BCDEFG'[number // 4]}{number % 4 + 2:02d}"
            rows.append((plate, well, compound, COMPOUNDS.get(compound, ""), gene, control))
            acts = compound == "nocodazole" or gene == "TUBB"
            features.append(random.standard_normal(16) + acts * effect)
    names = ("Plate", "Well", "Compound", "SMILES", "Gene", "Control")
    metadata = pd.DataFrame(rows, columns=[f"Metadata_{name}" for name in names])
    metadata["Metadata_Dose_uM"] = np.where(metadata["Metadata_SMILES"] != "", 5.0, np.nan)
    values = np.array(features, np.float32)
    path = tmp_path / "profiles.parquet"
    write_profiles(Profiles(metadata, values, embedding_names(16), "well", "s"), path)
    return path


@pytest.fixture
def viewer(plate_folder):
    viewer = ViewerModel()
    desk_of(viewer).session.open(read_screen(plate_folder, ReadOptions()))
    return viewer


@pytest.fixture
def dock(qtbot, viewer):
    dock = HitsDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(350, 700)
    dock.show()
    return dock


@pytest.fixture
def hits(qtbot, dock, viewer, table):
    hits = hits_of(viewer)
    qtbot.waitUntil(lambda: not hits.busy, timeout=10_000)
    dock.open_profiles(table)
    qtbot.waitUntil(lambda: hits.has_profiles, timeout=10_000)
    return hits


@pytest.fixture
def answered(qtbot, dock, hits):
    dock.query.text.setText("")
    qtbot.keyClicks(dock.query.text, "tubb")
    qtbot.keyClick(dock.query.text, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dock.table.model().rowCount() == 2, timeout=60_000)
    return hits


def cells(dock, row):
    model = dock.table.model()
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_the_empty_dock_names_the_next_click(dock):
    shown = [b for b in dock.findChildren(QPushButton) if b.isVisible()]
    assert [b.text() for b in shown] == ["Open profiles…"]
    assert any("Plate" in w.text() for w in dock.findChildren(QLabel) if w.isVisible())


def test_enter_asks_and_the_answer_is_ranked(dock, answered):
    assert cells(dock, 0)[:3] == ["☆", "1", "nocodazole"]
    assert cells(dock, 1)[2] == "etoposide"
    assert dock.status.value() == ""


def test_a_row_shows_its_structure_facts_and_wells(qtbot, dock, answered, viewer):
    session = desk_of(viewer).session
    dock.table.selectRow(0)
    assert dock.detail.structure.value() == COMPOUNDS["nocodazole"]
    assert "4 wells on 2 plates" in dock.detail.value()
    assert dock.detail.structure.grab().toImage().pixelColor(1, 1).isValid()
    qtbot.keyClick(dock.table, Qt.Key.Key_Down)
    assert answered.list.current == 1
    assert session.selection
    assert {session.screen.site_at(row).well.name for row in session.selection} <= {"D05", "E03"}


def test_space_stars_and_sorting_keeps_the_row(qtbot, dock, answered):
    dock.table.selectRow(1)
    qtbot.keyClick(dock.table, Qt.Key.Key_Space)
    assert cells(dock, 1)[0] == "★"
    dock.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    assert cells(dock, 0)[:2] == ["★", "2"]
    assert dock.table.currentIndex().row() == 0
    assert answered.list.current == 1


def test_a_click_on_a_star_stars(qtbot, dock, answered):
    x = dock.table.columnViewportPosition(0) + 8
    y = dock.table.rowViewportPosition(1) + 8
    qtbot.mouseClick(dock.table.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, y))
    assert answered.list.is_starred(1)
    assert not answered.list.is_starred(0)


def test_a_note_is_kept_with_its_hit(qtbot, dock, answered):
    dock.table.selectRow(0)
    qtbot.keyClicks(dock.detail.note, "order more")
    dock.table.selectRow(1)
    assert dock.detail.note.text() == ""
    assert answered.list.note(0) == "order more"
    dock.table.selectRow(0)
    assert dock.detail.note.text() == "order more"


def test_export_writes_a_list_that_reads_back(dock, answered, tmp_path, monkeypatch):
    out = tmp_path / "hits.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    answered.list.star(1, is_starred=True)
    dock._export_starred.trigger()
    assert read_hits(out)["compound"].tolist() == ["etoposide"]
    dock._export_all.trigger()
    assert read_hits(out)["compound"].tolist() == ["nocodazole", "etoposide"]


def test_a_wrong_name_is_a_sentence_with_details_to_copy(qtbot, dock, hits):
    dock.query.text.setText("TUBA")
    dock.query.asked.emit()
    qtbot.waitUntil(lambda: "did you mean TUBB" in dock.status.value(), timeout=60_000)
    copy = next(b for b in dock.findChildren(QPushButton) if b.text() == "Copy details")
    copy.click()
    assert '"text":"TUBA"' in QApplication.clipboard().text()


def test_control_f_comes_back_to_the_question(dock, answered):
    dock.table.setFocus()
    dock._find.activated.emit()
    assert dock.focusWidget() is dock.query.text
    assert dock.query.text.selectedText() == "tubb"


def test_the_selection_is_counted_beside_its_box(dock, hits, viewer):
    desk_of(viewer).session.select([0, 1, 2])
    texts = [box.text() for box in dock.findChildren(QCheckBox)]
    assert "Within selection (2)" in texts  # two sites of B02 and one of B03


def test_a_second_dock_shows_the_same_list(qtbot, dock, answered, viewer):
    answered.list.star(0, is_starred=True)
    second = HitsDock(viewer)
    qtbot.addWidget(second)
    assert cells(second, 0)[:3] == ["★", "1", "nocodazole"]
    assert second.query.text.text() == "tubb"


def test_every_control_explains_itself(dock, answered):
    controls = [
        child
        for child in dock.findChildren(QWidget)
        if isinstance(child, QPushButton | QComboBox | QCheckBox)
    ]
    assert len(controls) >= 9
    assert [c.text() for c in controls if not c.toolTip()] == []


def test_nothing_is_cut_off_in_a_narrow_dock(dock, answered):
    dock.table.selectRow(0)
    dock.resize(350, 700)
    QApplication.processEvents()
    assert dock.minimumSizeHint().width() <= 350
    for child in dock.findChildren(QWidget):
        if child.isVisible() and isinstance(child, QPushButton | QComboBox | QCheckBox):
            assert child.width() >= child.minimumSizeHint().width(), child
            right = child.mapTo(dock, QPoint(child.width(), 0)).x()
            assert right <= dock.width(), child


@pytest.mark.parametrize("lightness", [30, 230])
def test_a_structure_stands_out_from_dark_and_light(qtbot, dock, answered, lightness):
    dock.table.selectRow(0)
    view = dock.detail.structure
    palette = view.palette()
    paper = palette.color(QPalette.ColorRole.Window)
    paper.setHsv(0, 0, lightness)
    palette.setColor(QPalette.ColorRole.Window, paper)
    view.setPalette(palette)
    view.setAutoFillBackground(True)
    image = view.grab().toImage()
    shades = {
        image.pixelColor(x, y).lightness()
        for x in range(image.width())
        for y in range(image.height())
    }
    assert max(abs(shade - lightness) for shade in shades) > 120
