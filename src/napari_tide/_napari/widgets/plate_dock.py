"""The Plate dock: open a screen, see its plate, click through its wells."""

from __future__ import annotations

import platform
from html import escape
from pathlib import Path

import napari
from qtpy.QtCore import Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeySequence
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QShortcut,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_tide import __version__
from napari_tide._napari.connections import Connections
from napari_tide._napari.plugin_preferences import start_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.warm_up import warm_up_soon
from napari_tide._napari.widgets.focus_order import order_focus
from napari_tide._napari.widgets.legend_view import LegendView
from napari_tide._napari.widgets.plate_map import PlateMap
from napari_tide._napari.widgets.status_line import StatusLine
from napari_tide._napari.widgets.stepper import Stepper
from napari_tide._napari.widgets.student_panel import StudentPanel
from napari_tide._napari.widgets.tall_page import TallPage
from napari_tide.errors import ScreenMissingError
from napari_tide.screens.sample_data import sample_folder
from napari_tide.screens.well import Well

_TABLES = "Screens (*.parquet *.csv *.xml);;All files (*)"
_MAPS = "Tables (*.csv *.tsv *.txt *.gz *.parquet);;All files (*)"
_EMPTY = (
    "<p style='font-size: large'><b>No screen is open</b></p>"
    "<p>Drop a plate folder here or on the canvas,<br>or use <b>Open folder…</b> above.</p>"
)


class PlateDock(QWidget):
    """A view of the viewer's `PlateViewModel`; keeps no state of its own."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        desk = desk_of(viewer)
        self._session, self._plate = desk.session, desk.plate
        self._layers, self._opener, self._control = desk.layers, desk.opener, desk.control
        self._connections = Connections(self)
        self.setAcceptDrops(True)
        self._build_controls()
        self._student = StudentPanel(viewer, self)
        self._build_layout()
        self._connect()
        self._refresh_all()
        warm_up_soon(viewer)

    def open(self, source: Path) -> None:
        """Open a screen in the background."""
        self._opener.open(source)

    def join_plate_map(self, plate_map: Path) -> None:
        """Join a plate map in the background."""
        self._opener.join_plate_map(plate_map)

    @property
    def plate_map(self) -> PlateMap:
        """The clickable map."""
        return self._map

    @property
    def student(self) -> StudentPanel:
        """The controls of the student."""
        return self._student

    @property
    def status(self) -> StatusLine:
        """The line for problems and hints."""
        return self._status

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take one file or folder."""
        if len(event.mimeData().urls()) == 1:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        event.acceptProposedAction()
        self.open(Path(event.mimeData().urls()[0].toLocalFile()))

    def _build_controls(self) -> None:
        self._open_folder = _button("Open folder…", "Open a plate folder or an OME-Zarr plate")
        self._open_file = _button(
            "Open file…", "Open a table or index: load_data.csv, Index.xml, screen.parquet"
        )
        self._open_map = _button(
            "Plate map…", "Say what is in the wells: a plate map or barcode table (CSV, TSV, TXT)"
        )
        self._open_sample = _button("Open sample plate", "Open the simulated 96-well plate")
        self._open_sample.setMinimumWidth(160)
        self._plates = QComboBox(self)
        self._plates.setToolTip("The plate on show")
        self._colours = QComboBox(self)
        self._colours.setToolTip("What the colours of the wells stand for")
        for combo in (self._plates, self._colours):
            combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            combo.setMinimumContentsLength(8)
        self._map = PlateMap(self._plate, self)
        self._legend = LegendView(self)
        self._name = QLabel(self)
        self._name.setTextFormat(Qt.TextFormat.RichText)
        self._name.setWordWrap(True)
        self._name.setToolTip("The well on show and what was done to it")
        self._wells = Stepper(back_help="Previous imaged well", on_help="Next imaged well")
        self._sites = Stepper(
            back_help="Previous site of the well", on_help="Next site of the well"
        )
        self._compare = _button("", "")
        self._compare.setCheckable(True)
        # setText takes a button's own shortcut away, and N is no key of napari's
        self._flip = QShortcut(QKeySequence("N"), self)
        self._contrast = _button(
            "Auto contrast",
            "Set the brightness from this well; it is otherwise kept from well to well, "
            "so that wells can be compared",
        )
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._hint.setWordWrap(True)
        self._hint.setMinimumHeight(2 * self._hint.fontMetrics().height())
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._status = StatusLine(self)

    def _build_layout(self) -> None:
        opening = QHBoxLayout()
        opening.addWidget(self._open_folder)
        opening.addWidget(self._open_file)
        opening.addWidget(self._open_map)
        choices = QFormLayout()
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._plate_label = QLabel("Plate", self)
        self._plate_label.setBuddy(self._plates)
        choices.addRow(self._plate_label, self._plates)
        choices.addRow("Colour by", self._colours)
        steps = QHBoxLayout()
        steps.addWidget(self._wells, 1)
        steps.addWidget(self._sites, 1)
        looks = QHBoxLayout()
        looks.addWidget(self._compare, 1)
        looks.addWidget(self._contrast, 1)
        filled = QWidget(self)
        column = QVBoxLayout(filled)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(choices)
        column.addWidget(self._map)
        column.addWidget(self._hint)
        column.addWidget(self._legend)
        column.addWidget(self._name)
        column.addLayout(steps)
        column.addLayout(looks)
        column.addWidget(self._student)
        column.addStretch(1)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty_page())
        self._pages.addWidget(_scrolled(filled))
        page = QVBoxLayout(self)
        page.setSpacing(8)
        page.addLayout(opening)
        page.addWidget(self._pages, 1)
        page.addWidget(self._status)
        order_focus(self)

    def _empty_page(self) -> QWidget:
        page = QWidget(self)
        text = QLabel(_EMPTY, page)
        text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        text.setWordWrap(True)
        column = QVBoxLayout(page)
        column.addStretch(1)
        column.addWidget(text)
        column.addWidget(self._open_sample, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(2)
        return page

    def _connect(self) -> None:
        self._open_folder.clicked.connect(self._choose_folder)
        self._open_file.clicked.connect(self._choose_file)
        self._open_map.clicked.connect(self._choose_map)
        self._open_sample.clicked.connect(self._choose_sample)
        self._plates.textActivated.connect(self._session.choose_plate)
        self._colours.activated.connect(self._on_colour_chosen)
        self._wells.stepped.connect(self._session.step_well)
        self._sites.stepped.connect(self._session.step_site)
        self._contrast.clicked.connect(self._layers.auto_contrast)
        self._compare.clicked.connect(self._control.flip)
        self._flip.activated.connect(self._control.flip)
        connect = self._connections.connect
        connect(self._control.changed, self._refresh_compare)
        connect(self._plate.grid_changed, self._refresh_plates)
        connect(self._plate.colours_changed, self._refresh_colours)
        connect(self._plate.place_changed, self._refresh_place)
        connect(self._plate.selection_changed, self._refresh_hint)
        connect(self._session.events.hover, self._refresh_hint)
        connect(self._session.events.problem, self._refresh_problem)
        connect(self._opener.busy_changed, self._status.set_busy)

    def _refresh_all(self) -> None:
        self._refresh_plates()
        self._refresh_colours()
        self._refresh_place()
        self._refresh_compare()
        self._refresh_hint()
        self._refresh_problem()

    def _refresh_plates(self) -> None:
        self._pages.setCurrentIndex(1 if self._session.screen else 0)
        self._open_map.setEnabled(self._session.screen is not None)
        names = self._plate.plate_names
        self._plates.clear()
        self._plates.addItems(names)
        self._plates.setCurrentText(self._plate.plate_name)

    def _refresh_colours(self) -> None:
        choices = self._plate.colour_choices
        titles = [self._colours.itemText(place) for place in range(self._colours.count())]
        if titles != [choice.title for choice in choices]:  # an open list is not pulled away
            self._colours.clear()
            for choice in choices:
                self._colours.addItem(choice.title, choice.column)
        self._colours.setCurrentText(self._plate.colour_choice.title)
        controls = {self._plate.control(well) for well in self._plate.wells}
        self._legend.set_value(
            self._plate.legend,
            has_negcon="negcon" in controls,
            has_poscon="poscon" in controls,
        )

    def _refresh_place(self) -> None:
        place, wells, sites = self._session.place, self._plate.wells, self._session.sites
        if place is None:
            return
        treatment = self._plate.treatment()
        self._name.setText(
            f"<span style='font-size: large'><b>{place.well}</b></span>&ensp;{escape(treatment)}"
        )
        at, of = wells.index(place.well), len(wells)
        self._wells.set_value(f"Well {at + 1} of {of}", can_go_back=at > 0, can_go_on=at < of - 1)
        at, of = sites.index(place.site), len(sites)
        self._sites.set_value(f"Site {at + 1} of {of}", can_go_back=at > 0, can_go_on=at < of - 1)

    def _refresh_compare(self) -> None:
        self._compare.setText(self._control.label.replace("&", "&&"))
        self._compare.setToolTip(f"{self._control.explanation} (N)")
        self._compare.setEnabled(self._control.is_possible)
        self._compare.setChecked(self._control.home is not None)

    def _refresh_hint(self, changed: Well | frozenset[int] | None = None) -> None:
        del changed
        hover, selected = self._session.hover, self._plate.selected_wells
        if hover is not None:
            hint = self._plate.describe(hover)
        elif selected:
            hint = f"{len(selected)} well{'s' if len(selected) > 1 else ''} selected; Esc clears"
        elif self._session.screen is not None:
            hint = "Click a well to show it, drag to select several"
        else:
            hint = ""
        self._hint.setText(hint)

    def _refresh_problem(self) -> None:
        self._status.set_problem(self._session.problem, details=self._details())

    def _details(self) -> str:
        screen, place = self._session.screen, self._session.place
        lines = [
            self._session.problem,
            f"screen: {screen.source} ({screen.format})" if screen else "no screen is open",
            f"place: {place}" if place else "",
            f"napari-tide {__version__}, napari {napari.__version__}",
            f"Python {platform.python_version()}, {platform.platform()}",
        ]
        return "\n".join(line for line in lines if line)

    def _on_colour_chosen(self, index: int) -> None:
        self._plate.colour_by(self._colours.itemData(index))

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open a plate folder", start_of("screens"))
        if folder:
            self.open(Path(folder))

    def _choose_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(
            self, "Open a screen's table or index", start_of("screens"), _TABLES
        )
        if file:
            self.open(Path(file))

    def _choose_map(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Open a plate map", start_of("screens"), _MAPS)
        if file:
            self.join_plate_map(Path(file))

    def _choose_sample(self) -> None:
        try:
            folder = sample_folder()
        except ScreenMissingError as error:
            self._session.report(str(error))
        else:
            self.open(folder)


def _scrolled(page: QWidget) -> QScrollArea:
    """Let a page be taller than the window: small screens scroll, no control is lost."""
    area = TallPage()
    area.setWidget(page)
    return area


def _button(text: str, help_text: str) -> QPushButton:
    button = QPushButton(text)
    button.setMinimumHeight(28)
    button.setToolTip(help_text)
    return button
