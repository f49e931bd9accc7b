"""The Maps dock: drugs by structure, drugs by learned effect, wells by profile, all linked."""

from __future__ import annotations

from pathlib import Path

import napari
from napari.settings import get_settings
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QShortcut,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_tide._napari.connections import Connections
from napari_tide._napari.plugin_preferences import start_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.focus_order import order_focus
from napari_tide._napari.widgets.map_legend import MapLegendView
from napari_tide._napari.widgets.map_panel import MapPanel
from napari_tide._napari.widgets.status_line import StatusLine
from napari_tide._napari.widgets.structure_tooltip import StructureTooltip
from napari_tide.viewmodels.maps import MAPS, MapName
from napari_tide.viewmodels.new_drug import NewDrug

MAPS_DOCK_TITLE = "Maps (napari-tide)"
_TABLES = "Profiles (*.parquet *.csv *.csv.gz *.tsv *.tsv.gz);;All files (*)"
_SIDE_PX = 210
_SAID = 3


class MapsDock(QWidget):
    """A view of the viewer's `MapsViewModel`; keeps no state of its own."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # napari asks where the dock goes only after it is made
        get_settings().application.plugin_widget_positions.setdefault(MAPS_DOCK_TITLE, "bottom")
        desk = desk_of(viewer)
        self._session, self._desk = desk.session, desk.maps
        self._maps = self._desk.maps
        self._connections = Connections(self)
        self._build_controls()
        self._build_layout()
        self._connect()
        self._refresh_all()
        self._desk.layouts.start()

    @property
    def panels(self) -> dict[MapName, MapPanel]:
        """The three maps."""
        return self._panels

    @property
    def search(self) -> QLineEdit:
        """Where a name or SMILES is typed."""
        return self._search

    @property
    def legend(self) -> MapLegendView:
        """What the colours mean."""
        return self._legend

    @property
    def tooltip(self) -> StructureTooltip:
        """The card beside the pointer."""
        return self._tooltip

    @property
    def count(self) -> QLabel:
        """How much is selected."""
        return self._count

    @property
    def status(self) -> StatusLine:
        """The line for work under way and problems."""
        return self._status

    def open_student(self, folder: Path) -> None:
        """Use a student, read in the background."""
        self._desk.open_student(folder)

    def open_profiles(self, path: Path) -> None:
        """Show profiles, read in the background."""
        self._desk.open_profiles(path)

    def _build_controls(self) -> None:
        self._panels: dict[MapName, MapPanel] = {n: MapPanel(self._maps, n, self) for n in MAPS}
        self._search = QLineEdit(self)
        self._search.setAccessibleName("Look up")
        self._search.setPlaceholderText("Drug, mechanism, target, or paste a SMILES")
        self._search.setClearButtonEnabled(True)
        self._search.setToolTip(
            "Enter selects the drugs a text names; a SMILES is marked with a star "
            "where it lies between its nearest drugs"
        )
        self._colours = QComboBox(self)
        self._colours.setToolTip("What the colours of the points stand for")
        self._colours.setAccessibleName("Colour by")
        self._colours.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._colours.setMinimumContentsLength(10)
        self._lasso = _button("Lasso", "Drag draws a lasso; unticked, drag moves the map (L)")
        self._lasso.setCheckable(True)
        self._lasso.setChecked(True)
        # only within this dock: on the canvas, L is napari's for labels and shapes
        self._lasso_key = QShortcut(QKeySequence("L"), self)
        self._lasso_key.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._lasso.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._whole = _button("Show all", "Bring every point into view (Home)")
        self._clear = _button("Clear", "Select nothing (Esc)")
        self._student = _button("Student…", "Choose the folder of a student")
        self._profiles = _button("Profiles…", "Open a table of profiles (Parquet, CSV)")
        self._count = QLabel(self)
        self._count.setWordWrap(True)
        self._count.setToolTip("How much is selected, on any map or on the plate")
        self._found = QLabel(self)
        self._found.setTextFormat(Qt.TextFormat.PlainText)
        self._found.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._found.setWordWrap(True)
        self._legend = MapLegendView(self)
        self._status = StatusLine(self)
        self._tooltip = StructureTooltip(self)

    def _build_layout(self) -> None:
        tools = QHBoxLayout()
        tools.addWidget(self._search, 1)
        for button in (self._lasso, self._clear, self._whole, self._student, self._profiles):
            tools.addWidget(button)
        maps = QSplitter(Qt.Orientation.Horizontal, self)
        for panel in self._panels.values():
            maps.addWidget(panel)
        maps.setChildrenCollapsible(False)
        side = QWidget(self)
        side.setFixedWidth(_SIDE_PX)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        label = QLabel("Colour by", side)
        label.setBuddy(self._colours)
        column.addWidget(label)
        column.addWidget(self._colours)
        column.addWidget(self._legend, 1)
        column.addWidget(self._count)
        middle = QHBoxLayout()
        middle.addWidget(maps, 1)
        middle.addWidget(side)
        page = QVBoxLayout(self)
        page.setSpacing(6)
        page.addLayout(tools)
        page.addLayout(middle, 1)
        page.addWidget(self._found)
        page.addWidget(self._status)
        order_focus(self)

    def _connect(self) -> None:
        self._search.returnPressed.connect(self._on_searched)
        self._search.textChanged.connect(self._on_typed)
        self._colours.activated.connect(self._on_colour_chosen)
        self._lasso.toggled.connect(self._on_lasso)
        self._lasso_key.activated.connect(self._lasso.toggle)
        self._whole.clicked.connect(self._show_all)
        self._clear.clicked.connect(self._maps.clear)
        self._student.clicked.connect(self._choose_student)
        self._profiles.clicked.connect(self._choose_profiles)
        self._legend.toggled.connect(self._maps.colours.toggle)
        self._legend.singled_out.connect(self._maps.colours.show_only)
        for panel in self._panels.values():
            panel.opening_asked.connect(self._on_opening_asked)
            panel.layout_asked.connect(self._desk.layouts.request)
            panel.cancel_asked.connect(self._desk.layouts.cancel)
            panel.view.pointed.connect(self._on_pointed)
        connect = self._connections.connect
        connect(self._maps.points_changed, self._refresh_map)
        connect(self._maps.status_changed, self._refresh_map)
        connect(self._maps.colours.changed, self._refresh_colours)
        connect(self._maps.marks_changed, self._refresh_marks)
        connect(self._maps.pointer_changed, self._refresh_pointer)
        connect(self._session.events.problem, self._refresh_problem)
        connect(self._desk.opening.busy_changed, self._status.set_busy)
        connect(self._desk.looking_up.busy_changed, self._status.set_busy)
        self.destroyed.connect(self._desk.layouts.pause)

    def _refresh_all(self) -> None:
        self._refresh_colours()
        self._refresh_marks()
        self._refresh_problem()

    def _refresh_map(self, name: MapName) -> None:
        self._panels[name].refresh()
        self._refresh_count()

    def _refresh_colours(self) -> None:
        self._colours.clear()
        for choice in self._maps.colours.choices:
            self._colours.addItem(choice.title, choice.column)
        self._colours.setCurrentText(self._maps.colours.choice.title)
        self._legend.set_value(self._maps.colours.legend)
        for panel in self._panels.values():
            panel.refresh()

    def _refresh_marks(self) -> None:
        for panel in self._panels.values():
            panel.view.refresh()
        self._refresh_count()
        self._refresh_found()

    def _refresh_pointer(self) -> None:
        for panel in self._panels.values():
            panel.view.refresh_marks()

    def _refresh_count(self) -> None:
        text = self._maps.count_text()
        self._count.setText(f"{text} selected" if text else "")
        self._count.setVisible(bool(text))

    def _refresh_found(self) -> None:
        drug = self._maps.new_drug
        self._found.setText(_nearest_text(drug) if drug else "")
        self._found.setVisible(drug is not None)

    def _refresh_problem(self) -> None:
        self._status.set_problem(self._session.problem, details=self._session.problem)

    def _on_searched(self) -> None:
        self._desk.look_up(self._search.text())

    def _on_typed(self, text: str) -> None:
        if not text:
            self._maps.show_new_drug(None)

    def _on_colour_chosen(self, index: int) -> None:
        self._maps.colours.colour_by(self._colours.itemData(index))

    def _on_lasso(self, is_on: bool) -> None:  # noqa: FBT001 - a Qt slot
        for panel in self._panels.values():
            panel.view.set_lasso(is_on=is_on)

    def _show_all(self) -> None:
        for panel in self._panels.values():
            panel.view.show_all()

    def _on_pointed(self, name: MapName, point: int | None, place: QPointF) -> None:
        if point is None:
            self._tooltip.hide()
            return
        view = self._panels[name].view
        here = view.mapTo(self, QPoint(round(place.x()), round(place.y())))
        text, smiles = self._maps.describe(name, point), self._maps.smiles_of(name, point)
        self._tooltip.show_at(here, text=text, smiles=smiles)

    def _on_opening_asked(self, name: str) -> None:
        if name == "profiles":
            self._choose_profiles()
        else:
            self._choose_student()

    def _choose_student(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Choose the folder of a student", start_of("students")
        )
        if folder:
            self.open_student(Path(folder))

    def _choose_profiles(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Open profiles", "", _TABLES)
        if file:
            self.open_profiles(Path(file))


def _nearest_text(drug: NewDrug) -> str:
    """Say what a pasted SMILES is near to, and how its star was placed."""
    titles = {"chemistry": "by structure", "codebook": "by learned effect"}
    said = [
        f"{titles[name]} near " + ", ".join(f"{n.name} {n.similarity:.2f}" for n in near[:_SAID])
        for name, near in drug.nearest.items()
    ]
    return "★ between its nearest drugs: " + "; ".join([*said, *filter(None, [drug.problem])])


def _button(text: str, help_text: str) -> QPushButton:
    button = QPushButton(text)
    button.setMinimumHeight(28)
    button.setToolTip(help_text)
    return button
