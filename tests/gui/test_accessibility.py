"""All four docks: where Tab goes, what each control says of itself, text that can be read."""

import re
from itertools import combinations, pairwise

import pytest
from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QAction,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTextBrowser,
    QWidget,
)

from napari_tide._napari import recipe_loading
from napari_tide._napari.recipe_listing import list_recipes
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.hits_dock import HitsDock
from napari_tide._napari.widgets.maps_dock import MapsDock
from napari_tide._napari.widgets.plate_dock import PlateDock
from napari_tide._napari.widgets.plate_painter import mix
from napari_tide._napari.widgets.training_dock import TrainingDock
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen

pytestmark = pytest.mark.gui

DOCKS = {
    PlateDock: (380, 900),
    MapsDock: (1200, 380),
    HitsDock: (380, 900),
    TrainingDock: (380, 900),
}
CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextBrowser,
)
SAME_LINE_PX = 14


@pytest.fixture
def viewer(plate_folder, monkeypatch):
    monkeypatch.setattr(recipe_loading, "_known", [list_recipes()])
    viewer = ViewerModel()
    desk_of(viewer).session.open(read_screen(plate_folder, ReadOptions()))
    yield viewer
    desk_of(viewer).training.close()


@pytest.fixture
def docks(qtbot, viewer, wait_for):
    wait_for(viewer)
    made = []
    for kind, size in DOCKS.items():
        dock = kind(viewer)
        qtbot.addWidget(dock)
        dock.resize(*size)
        dock.show()
        made.append(dock)
    QApplication.processEvents()
    return made


def is_inner(widget):
    """Whether Qt made it as part of another control, which speaks for it."""
    parent = widget.parent()
    return (
        isinstance(widget, QHeaderView)
        or widget.objectName().startswith("qt_")
        or isinstance(parent, QComboBox | QAbstractSpinBox | QLineEdit)
        or type(parent).__name__ in ("QComboBoxPrivateContainer", "QComboBoxListView")
        or (isinstance(widget, QAbstractItemView) and type(parent) is not QWidget
            and parent.inherits("QComboBoxPrivateContainer"))
    )  # fmt: skip


def controls(dock):
    return [
        child
        for child in dock.findChildren(QWidget)
        if not is_inner(child)
        and (isinstance(child, CONTROLS) or type(child).__name__ in ("PlateMap", "ScatterView"))
    ]


def name_of(widget, dock):
    """What a screen reader says: its own name, its words, or its label's."""
    words = widget.text() if isinstance(widget, QAbstractButton) else ""
    if any(letter.isalnum() for letter in words):
        return words
    buddies = [label for label in dock.findChildren(QLabel) if label.buddy() is widget]
    return widget.accessibleName() or (buddies[0].text() if buddies else "")


def in_words(widget):
    text = widget.text() if hasattr(widget, "text") and callable(widget.text) else ""
    return f"{type(widget).__name__} {text!r} in {type(widget.parent()).__name__}"


def test_every_control_speaks_and_tab_goes_as_one_reads(docks, repository):
    assert_controls_speak(docks)
    assert_tab_goes_as_one_reads(docks)
    assert_tutorial_says_what_is_there(docks, repository / "docs" / "tutorial.md")


def assert_controls_speak(docks):
    found = [(dock, control) for dock in docks for control in controls(dock)]
    assert len(found) > 60
    silent = [in_words(control) for _, control in found if not control.toolTip()]
    nameless = [in_words(control) for dock, control in found if not name_of(control, dock)]
    assert (silent, nameless) == ([], [])


def assert_tab_goes_as_one_reads(docks):
    for dock in docks:
        places, stop = [], dock.nextInFocusChain()
        while stop is not dock:
            takes_tab = stop.focusPolicy() & Qt.FocusPolicy.TabFocus
            if takes_tab and dock.isAncestorOf(stop) and stop.isVisible() and not is_inner(stop):
                middle = stop.mapTo(dock, QPoint(0, stop.height() // 2))
                places.append((middle.y(), middle.x(), in_words(stop)))
            stop = stop.nextInFocusChain()
        assert len(places) >= 1
        if isinstance(dock, MapsDock):  # maps from left to right, then the column beside them
            assert places == sorted(places, key=lambda place: (place[0] > 40, place[1] // 100))
            continue
        for (y, x, before), (next_y, next_x, after) in pairwise(places):
            is_below, is_right = next_y > y + SAME_LINE_PX, next_x > x
            same_line = abs(next_y - y) <= SAME_LINE_PX
            assert is_below or (same_line and is_right), f"{before} then {after}"


def words_of(dock):
    """Everything a dock can show: buttons, labels, choices, menus; without HTML."""
    found = [
        *(b.text() for b in dock.findChildren(QAbstractButton)),
        *(label.text() for label in dock.findChildren(QLabel)),
        *(action.text() for action in dock.findChildren(QAction)),
        *(c.itemText(n) for c in dock.findChildren(QComboBox) for n in range(c.count())),
    ]
    return {re.sub("<[^>]*>", "", text).strip("▸▾ ") for text in found} - {""}


# on buttons that change with what is on show
CHANGING = {"Back to", "Use this student"}


def assert_tutorial_says_what_is_there(docks, tutorial):
    """Bold words are words on the screen; those that begin a step are its title."""
    text = re.sub(
        r"^\d+\. \*\*[^*]*\*\*", "", tutorial.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    quoted = {re.sub(r"\s+", " ", words) for words in re.findall(r"\*\*([^*]+)\*\*", text)}
    assert len(quoted) > 40
    shown = {words for dock in docks for words in words_of(dock)}
    titles = {title.partition(" · ")[0].partition(":")[0] for title in shown}
    wrong = quoted - shown - titles - CHANGING - {"bold", "Plugins > TIDE Cell Painting"}
    assert wrong == set()


def contrast(first, second):
    """The WCAG 2 contrast ratio of two colours."""

    def luminance(colour):
        shares = [channel / 255 for channel in QColor(colour).getRgb()[:3]]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_both_themes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    for name in ("dark", "light"):
        assert_readable(get_theme(name))


def assert_readable(theme):
    paper, ink = QColor(theme.background.as_hex()), QColor(theme.text.as_hex())
    for ground in (theme.background, theme.foreground, theme.primary):
        assert contrast(ground.as_hex(), ink) >= 4.5
    assert contrast(paper, mix(paper, ink, share=0.65)) >= 4.5  # names of rows and columns
    assert contrast(paper, mix(paper, ink, share=200 / 255)) >= 4.5  # axes of curves
    shades = [mix(paper, ink, share=share) for share in (0.10, 0.38)]  # not imaged, nothing said
    assert all(contrast(a, b) > 1.15 for a, b in combinations([paper, *shades], 2))
