"""The lower half of the Plate dock: the student, its drug, overlays and runs."""

from __future__ import annotations

from pathlib import Path

import napari
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_tide._napari.plugin_preferences import start_of
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.drug_chooser import DrugChooser
from napari_tide._napari.widgets.run_bar import RunBar
from napari_tide.viewmodels.overlay import TITLES

_EMPTY = "Choose a student to see where it recognises a drug: Browse… opens its folder."
_NO_CELLS, _NUCLEI = "Off", "Nuclei, found in DNA"
_LABELS_PREFIX = "Layer: "


class StudentPanel(QWidget):
    """A view of what the viewer's student sees; keeps no state of its own."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        desk = desk_of(viewer)
        self._session, self._looking = desk.session, desk.looking
        self._build_controls()
        self._build_layout()
        self._connect()
        self._refresh()

    @property
    def run_bar(self) -> RunBar:
        """The buttons that run the student."""
        return self._run_bar

    def open(self, folder: Path) -> None:
        """Open a student in the background."""
        self._looking.choice.open(folder)

    def _build_controls(self) -> None:
        self._students = _combo(self, "The student that looks at the images; the newest first")
        self._browse = QPushButton("Browse…", self)
        self._browse.setToolTip("Open a student's folder: config.json and model.safetensors")
        self._browse.setMinimumHeight(28)
        self._drugs = DrugChooser(self)
        self._overlays = _combo(
            self,
            "What is laid over the field: the drug's probability by tile or by patch, or how far "
            "each tile stands above this plate's own controls",
        )
        for mode, title in TITLES.items():
            self._overlays.addItem(title, mode)
        self._cells = _combo(
            self,
            "Colour every cell by the drug's probability: nuclei found here, or a Labels layer",
        )
        self._run_bar = RunBar(self)
        self._note = QLabel(self)
        self._note.setTextFormat(Qt.TextFormat.PlainText)
        self._note.setWordWrap(True)

    def _build_layout(self) -> None:
        line = QFrame(self)
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Plain)
        line.setEnabled(False)
        student = QHBoxLayout()
        student.setSpacing(4)
        student.addWidget(self._students, 1)
        student.addWidget(self._browse)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        label = QLabel("Student", self)
        label.setBuddy(self._students)
        form.addRow(label, student)
        form.addRow("Drug", self._drugs)
        form.addRow("Overlay", self._overlays)
        form.addRow("Cells", self._cells)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(line)
        column.addLayout(form)
        column.addWidget(self._run_bar)
        column.addWidget(self._note)

    def _connect(self) -> None:
        looking = self._looking
        self._browse.clicked.connect(self._on_browse)
        self._students.activated.connect(self._on_student)
        self._drugs.value_changed.connect(self._session.choose_drug)
        self._overlays.activated.connect(self._on_overlay)
        self._cells.activated.connect(self._on_cells)
        self._run_bar.asked.connect(looking.run.run)
        self._run_bar.cancelled.connect(looking.run.cancel)
        looking.choice.changed.connect(self._refresh)
        looking.run.changed.connect(self._refresh_run)
        looking.overlay.changed.connect(self._refresh_note)
        looking.cells.changed.connect(self._refresh_note)
        looking.hover.changed.connect(self._on_hover)
        self._session.events.overlay.connect(self._refresh_overlay)

    def _refresh(self) -> None:
        choice = self._looking.choice
        with QSignalBlocker(self._students):
            self._students.clear()
            folders = choice.recent()
            if choice.bundle is not None and choice.bundle.folder not in folders:
                folders.insert(0, choice.bundle.folder)
            for folder in folders:
                self._students.addItem(_student_name(folder), folder)
                self._students.setItemData(
                    self._students.count() - 1, str(folder), Qt.ItemDataRole.ToolTipRole
                )
            here = folders.index(choice.bundle.folder) if choice.bundle is not None else -1
            self._students.setCurrentIndex(here)
        self._students.setPlaceholderText("opening…" if choice.is_loading else "none yet")
        self._students.setEnabled(bool(folders))
        for control in (self._drugs, self._overlays, self._cells):
            control.setEnabled(choice.is_ready)
        self._drugs.set_value(self._session.drug, names=choice.drugs)
        self._refresh_overlay()
        self._refresh_run()
        self._refresh_cells()
        self._refresh_note()

    def _refresh_overlay(self) -> None:
        with QSignalBlocker(self._overlays):
            self._overlays.setCurrentIndex(self._overlays.findData(self._session.overlay))

    def _refresh_run(self) -> None:
        self._run_bar.set_value(self._looking.run)

    def _refresh_cells(self) -> None:
        """List what cells can be taken from; layers come and go, so also when it opens."""
        chosen = self._cells.currentText() or _NO_CELLS
        with QSignalBlocker(self._cells):
            self._cells.clear()
            self._cells.addItems([_NO_CELLS, _NUCLEI])
            layers = self._looking.cell_layer.choices()
            self._cells.addItems([f"{_LABELS_PREFIX}{name}" for name in layers])
            self._cells.setCurrentText(chosen if self._looking.cells.is_on else _NO_CELLS)

    def _refresh_note(self) -> None:
        looking, choice = self._looking, self._looking.choice
        if not looking.cells.is_on and self._cells.currentText() != _NO_CELLS:
            self._refresh_cells()
        parts = [looking.overlay.text, looking.cells.text]
        if choice.bundle is None and not choice.is_loading:
            parts = [_EMPTY]
        elif looking.hover.text and not any(parts):
            parts = [f"Under the pointer: {looking.hover.text}"]
        elif self._session.overlay != "off" and not any(parts):
            parts = ["Point at a tile to read its top five drugs"]
        said = "; ".join(part for part in parts if part)
        self._note.setText(said[:1].upper() + said[1:])
        self._note.setVisible(bool(said))

    def _on_hover(self, text: str) -> None:
        del text
        self._refresh_note()

    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Open a student's folder", start_of("students")
        )
        if folder:
            self.open(Path(folder))

    def _on_student(self, index: int) -> None:
        self.open(self._students.itemData(index))

    def _on_overlay(self, index: int) -> None:
        self._session.choose_overlay(self._overlays.itemData(index))

    def _on_cells(self, index: int) -> None:
        text = self._cells.itemText(index)
        if text == _NO_CELLS:
            self._looking.cells.turn_off()
        else:
            self._looking.cell_layer.use(
                "" if text == _NUCLEI else text.removeprefix(_LABELS_PREFIX)
            )


def _combo(parent: QWidget, help_text: str) -> QComboBox:
    combo = QComboBox(parent)
    combo.setToolTip(help_text)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    combo.setMinimumContentsLength(8)
    return combo


def _student_name(folder: Path) -> str:
    return folder.name
