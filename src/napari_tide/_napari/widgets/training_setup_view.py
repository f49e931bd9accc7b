"""The Train dock before a training: what the data hold, the recipe, where the run goes."""

from __future__ import annotations

from html import escape
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_tide._napari.widgets.focus_order import order_focus
from napari_tide._napari.widgets.recipe_form_view import RecipeFormView
from napari_tide.viewmodels.training import TrainingViewModel

_EMPTY = (
    "<p style='font-size: large'><b>No data yet</b></p>"
    "<p>Open a screen in the <b>Plate</b> dock, or choose data below.</p>"
)
_TABLES = "Data (*.parquet *.csv *.tsv *.gz *.xml);;All files (*)"
_EXPRESSION = "Expression (*.gctx *.gct *.gz);;All files (*)"


class TrainingSetupView(QWidget):
    """A view of `TrainingSetup`; what it asks of others it says by signals."""

    start_asked = Signal()
    sample_asked = Signal()
    estimate_asked = Signal()
    cancel_asked = Signal()
    copy_asked = Signal()

    def __init__(self, viewmodel: TrainingViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setup, self._taken = viewmodel.setup, viewmodel.estimate
        self._build_controls()
        self._build_layout()
        self._connect()
        self._refresh_recipes()
        self.refresh()

    @property
    def form(self) -> RecipeFormView:
        """The recipe's settings."""
        return self._form

    def refresh(self) -> None:
        """Show the form's state."""
        self._refresh_data()
        self._refresh_files()
        self._refresh_blocker()

    def _build_controls(self) -> None:
        self._empty = _text(self, _EMPTY)
        self._sample = _button("Open sample plate", "Open the simulated 96-well plate")
        self._headline = _text(self, "")
        self._facts = _text(self, "")
        self._findings = _text(self, "")
        self._folder = _button("Folder…", "Train on another screen, or on a pack (tide pack)")
        self._file = _button("File…", "Train on a table of profiles, or another screen's table")
        self._source = _path_label(self)
        self._use_screen = _button("Open one", "Train on the screen open in the Plate dock")
        self._l1000 = _path_label(self)
        self._add_l1000 = _button("Choose…", "The L1000 file (GCT or GCTX) the teacher learns from")
        self._clear_l1000 = _button("Clear", "Train without transcriptomes")
        self._recipes = QComboBox(self)
        self._recipes.setToolTip("What learns from what; see docs/training.md")
        self._devices = QComboBox(self)
        self._devices.setToolTip("Where the training runs; napari stays usable meanwhile")
        for combo in (self._recipes, self._devices):
            combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._summary = _text(self, "")
        self._out = _path_label(self)
        self._choose_out = _button("Choose…", "A new folder for checkpoints, curves and student")
        self._form = RecipeFormView(self._setup, self)
        self._blocker = _text(self, "")
        self._estimate = _button("Estimate time and memory", "Take a few steps; nothing is kept")
        self._estimated = _text(self, "")
        self._start = _button("Start", "Train in a process of its own")
        self._copy = _button("Copy the command", "The same training as a command, for a cluster")

    def _build_layout(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(8)
        for text in (self._empty, self._headline, self._facts, self._findings):
            column.addWidget(text)
        column.addWidget(self._sample, 0, Qt.AlignmentFlag.AlignHCenter)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(8)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Data", _row(self._source, self._use_screen, self._folder, self._file))
        form.addRow("L1000", _row(self._l1000, self._add_l1000, self._clear_l1000))
        form.addRow("Recipe", self._recipes)
        form.addRow("", self._summary)
        form.addRow("Device", self._devices)
        form.addRow("Output", _row(self._out, self._choose_out))
        column.addLayout(form)
        column.addWidget(self._form)
        column.addWidget(self._blocker)
        column.addWidget(self._estimated)
        column.addWidget(self._estimate)
        last = QHBoxLayout()
        last.addWidget(self._start, 1)
        last.addWidget(self._copy, 1)
        column.addLayout(last)
        column.addStretch(1)
        self._order_focus()

    def _order_focus(self) -> None:
        """Keep Tab going down the page, also through a form that was built anew."""
        order_focus(self)

    def _connect(self) -> None:
        self._sample.clicked.connect(self.sample_asked)
        self._start.clicked.connect(self.start_asked)
        self._estimate.clicked.connect(self._on_estimate)
        self._taken.changed.connect(self._refresh_estimate)
        self._use_screen.clicked.connect(self._take_open_screen)
        self._folder.clicked.connect(self._choose_folder)
        self._file.clicked.connect(self._choose_file)
        self._add_l1000.clicked.connect(self._choose_l1000)
        self._clear_l1000.clicked.connect(self._drop_l1000)
        self._choose_out.clicked.connect(self._choose_output)
        self._copy.clicked.connect(self.copy_asked)
        self._form.built.connect(self._order_focus)
        self._recipes.activated.connect(self._on_recipe)
        self._devices.activated.connect(self._on_device)
        setup = self._setup
        setup.check_changed.connect(self.refresh)
        setup.data_changed.connect(self.refresh)
        setup.recipe_changed.connect(self._refresh_recipes)
        setup.form_changed.connect(self._refresh_blocker)
        setup.output_changed.connect(self.refresh)

    def _refresh_data(self) -> None:
        setup, check = self._setup, self._setup.check
        has_data = setup.data is not None
        self._empty.setVisible(not has_data)
        self._sample.setVisible(not has_data)
        is_open_screen = setup.screen is not None
        self._source.setText(
            "open screen" if is_open_screen else setup.data.name if setup.data else ""
        )
        self._source.setToolTip(str(setup.data or ""))
        self._use_screen.setVisible(not is_open_screen and setup.session.screen is not None)
        looking = "Looking at the data …" if setup.is_checking else ""
        headline = check.headline if check else looking or (setup.data.name if setup.data else "")
        self._headline.setText(f"<b>{escape(headline)}</b>")
        self._headline.setToolTip(str(setup.data or ""))
        self._facts.setText("<br>".join(escape(fact) for fact in check.facts) if check else "")
        findings = [finding.text for finding in check.findings] if check else []
        if setup.check_problem:
            findings = [setup.check_problem]
        self._findings.setText("<br>".join(f"⚠ {escape(_sentence(text))}" for text in findings))
        for text in (self._headline, self._facts, self._findings):
            text.setVisible(has_data and bool(text.text()))

    def _refresh_files(self) -> None:
        files = self._setup.l1000
        self._l1000.setText(", ".join(file.name for file in files) or "none")
        self._l1000.setToolTip("\n".join(map(str, files)) or "No transcriptomes are given")
        self._clear_l1000.setVisible(bool(files))
        out = self._setup.out
        self._out.setText(f"{out.parent.name}/{out.name}")
        self._out.setToolTip(str(out))

    def _refresh_recipes(self) -> None:
        setup, catalogue = self._setup, self._setup.catalogue
        with QSignalBlocker(self._recipes), QSignalBlocker(self._devices):
            self._recipes.clear()
            self._devices.clear()
            if catalogue is None:
                self._recipes.addItem("reading the recipes …")
                self._devices.addItem("looking for devices …")
            else:
                for entries in catalogue.by_family().values():
                    if self._recipes.count() and entries:
                        self._recipes.insertSeparator(self._recipes.count())
                    for entry in entries:
                        self._recipes.addItem(entry.name, entry.name)
                        place = self._recipes.count() - 1
                        self._recipes.setItemData(place, entry.summary, Qt.ItemDataRole.ToolTipRole)
                for device in catalogue.devices:
                    self._devices.addItem(device.title, device.id)
                recipe = setup.recipe
                self._recipes.setCurrentIndex(self._recipes.findData(recipe.name if recipe else ""))
                self._devices.setCurrentIndex(self._devices.findData(setup.device))
        self._recipes.setEnabled(catalogue is not None)
        self._devices.setEnabled(catalogue is not None)
        self._summary.setText(escape(setup.recipe.summary) if setup.recipe else "")
        self._summary.setVisible(setup.recipe is not None)
        self._refresh_blocker()

    def _refresh_blocker(self) -> None:
        blockers = self._setup.blockers()
        text = blockers[0] if blockers else ""
        is_told = (
            any(finding.text == text for finding in self._setup.check.findings)
            if (self._setup.check)
            else text == self._setup.check_problem
        )
        is_waiting = self._setup.data is None or text.startswith(("the data are", "the recipes"))
        self._blocker.setText(f"⚠ {escape(_sentence(text))}")
        self._blocker.setVisible(bool(text) and not is_told and not is_waiting)
        self._start.setEnabled(not blockers)
        self._refresh_estimate()
        self._copy.setEnabled(not blockers)

    def _refresh_estimate(self) -> None:
        is_running = self._taken.is_running
        self._estimate.setText("Cancel the estimate" if is_running else "Estimate time and memory")
        self._estimate.setEnabled(is_running or self._start.isEnabled())
        self._estimated.setText(self._taken.describe())
        self._estimated.setVisible(bool(self._estimated.text()))

    def _on_estimate(self) -> None:
        (self.cancel_asked if self._taken.is_running else self.estimate_asked).emit()

    def _take_open_screen(self) -> None:
        self._setup.choose_data(None)

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose a screen or a pack")
        if folder:
            self._setup.choose_data(Path(folder))

    def _choose_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Choose profiles or a screen", "", _TABLES)
        if file:
            self._setup.choose_data(Path(file))

    def _choose_l1000(self) -> None:
        files, _ = QFileDialog.getOpenFileNames(self, "Choose L1000 files", "", _EXPRESSION)
        if files:
            self._setup.choose_l1000(map(Path, files))

    def _drop_l1000(self) -> None:
        self._setup.choose_l1000(())

    def _choose_output(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose an empty folder for the run")
        if folder:
            self._setup.choose_out(Path(folder))

    def _on_recipe(self, index: int) -> None:
        name = self._recipes.itemData(index)
        if name:
            self._setup.choose_recipe(name)

    def _on_device(self, index: int) -> None:
        self._setup.choose_device(self._devices.itemData(index))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _text(parent: QWidget, html: str) -> QLabel:
    label = QLabel(html, parent)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setMinimumWidth(0)
    return label


def _path_label(parent: QWidget) -> QElidingLabel:
    label = QElidingLabel(parent)
    label.setElideMode(Qt.TextElideMode.ElideMiddle)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _button(text: str, help_text: str) -> QPushButton:
    button = QPushButton(text)
    button.setMinimumHeight(26)
    button.setToolTip(help_text)
    return button


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, QElidingLabel) else 0)
    return row
