"""The Train dock during a training and after it: progress, curves, log, and the student."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_tide._napari.widgets.folded_part import FoldedPart
from napari_tide._napari.widgets.training_curves import TrainingCurves
from napari_tide.viewmodels.student_card import read_card
from napari_tide.viewmodels.training import TrainingViewModel
from napari_tide.viewmodels.training_run import TrainingRun

_PER_MILLE = 1000


class TrainingRunView(QWidget):
    """A view of the viewmodel's run; what it asks of others it says by signals."""

    stop_asked = Signal()
    stop_now_asked = Signal()
    resume_asked = Signal()
    compare_asked = Signal()
    new_asked = Signal()

    def __init__(self, viewmodel: TrainingViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewmodel = viewmodel
        self._run: TrainingRun | None = None
        self._can_stop = False
        self._n_lines = 0
        self._card_of: object = None
        self._build_controls()
        self._build_layout()
        self._connect()
        self._take_run()

    @property
    def curves(self) -> TrainingCurves:
        """The plots."""
        return self._curves

    def log_text(self) -> str:
        """Give the log on show."""
        return str(self._log.toPlainText())

    def status_text(self) -> str:
        """Give the line that says where the run stands."""
        return str(self._status.text())

    def show_card(self) -> None:
        """Unfold the model card, and fold the log to make room."""
        self._log_part.fold()
        self._card_part.unfold()

    def set_can_stop(self, can_stop: bool) -> None:  # noqa: FBT001 - a setter
        """Say whether the run can be stopped from here."""
        if can_stop != self._can_stop:
            self._can_stop = can_stop
            self._refresh()

    def _build_controls(self) -> None:
        self._title = QLabel(self)
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._place = QElidingLabel(self)
        self._place.setElideMode(Qt.TextElideMode.ElideMiddle)
        self._place.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._status = QLabel(self)
        self._status.setWordWrap(True)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, _PER_MILLE)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._stop = _button(
            "Stop and save", "End after this step, with a checkpoint and a student"
        )
        self._stop_now = _button("Stop now", "End at once; the last checkpoint stays")
        self._resume = _button("Resume", "Go on from the last checkpoint")
        self._use = _button(
            "Use this student", "Profiles and overlays are made with it from now on"
        )
        self._new = _button("New training", "Back to the form; the run's folder stays")
        self._curves = TrainingCurves(self)
        self._speed = QLabel(self)
        self._compare = _button("Compare with…", "Show the curves of another run's folder too")
        self._alone = _button("This run alone", "Take the other curves away")
        self._card = QTextBrowser(self)
        self._card.setMinimumHeight(220)
        self._card.setOpenLinks(False)
        self._card.document().setIndentWidth(16)
        self._card.setToolTip("What the student was trained on, and how well it does")
        self._card.setAccessibleName("Model card")
        self._log = QPlainTextEdit(self)
        self._log.setToolTip("The last lines of the training's log")
        self._log.setAccessibleName("Log")
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(400)
        self._log.setFixedHeight(110)
        self._log_part = _folded("Log", self._log, self)
        self._card_part = _folded("Model card", self._card, self)
        self._log_part.unfold()

    def _build_layout(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        column.addWidget(self._title)
        column.addWidget(self._place)
        column.addWidget(self._bar)
        column.addWidget(self._status)
        buttons = QGridLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self._stop, 0, 0)
        buttons.addWidget(self._stop_now, 0, 1)
        buttons.addWidget(self._use, 1, 0, 1, 2)
        buttons.addWidget(self._resume, 2, 0)
        buttons.addWidget(self._new, 2, 1)
        column.addLayout(buttons)
        column.addWidget(self._curves)
        column.addWidget(self._speed)
        others = QGridLayout()
        others.setSpacing(4)
        others.addWidget(self._compare, 0, 0)
        others.addWidget(self._alone, 0, 1)
        column.addLayout(others)
        column.addWidget(self._card_part)
        column.addWidget(self._log_part)
        column.addStretch(1)

    def _connect(self) -> None:
        self._stop.clicked.connect(self.stop_asked)
        self._stop_now.clicked.connect(self.stop_now_asked)
        self._resume.clicked.connect(self.resume_asked)
        self._compare.clicked.connect(self.compare_asked)
        self._new.clicked.connect(self.new_asked)
        self._alone.clicked.connect(self._viewmodel.stop_comparing)
        self._use.clicked.connect(self._viewmodel.use_student)
        self._viewmodel.run_replaced.connect(self._take_run)
        self._viewmodel.comparison_changed.connect(self._refresh_curves)
        self._viewmodel.session.events.student.connect(self._refresh)

    def _take_run(self) -> None:
        old, run = self._run, self._viewmodel.run
        if old is not None:
            old.changed.disconnect(self._refresh)
            old.curves_changed.disconnect(self._refresh_curves)
            old.log_changed.disconnect(self._refresh_log)
        self._run, self._n_lines, self._card_of = run, 0, None
        self._log.clear()
        if run is None:
            return
        run.changed.connect(self._refresh)
        run.curves_changed.connect(self._refresh_curves)
        run.log_changed.connect(self._refresh_log)
        self._refresh()
        self._refresh_curves()
        self._refresh_log()

    def _refresh(self) -> None:
        run = self._run
        if run is None:
            return
        self._title.setText(f"<span style='font-size: large'><b>{escape(run.name)}</b></span>")
        self._place.setText(str(run.folder))
        self._place.setToolTip(str(run.folder))
        self._status.setText(run.describe())
        is_counted = run.progress.total > 0 or not run.is_active
        self._bar.setRange(0, _PER_MILLE if is_counted else 0)
        self._bar.setValue(round(_PER_MILLE * run.progress.share))
        self._stop.setVisible(run.is_active and self._can_stop)
        self._stop.setEnabled(run.state == "running")
        self._stop_now.setVisible(run.is_active and not run.is_attached)
        self._resume.setVisible(self._viewmodel.can_resume)
        self._new.setVisible(not self._viewmodel.is_training)
        self._refresh_student(run)

    def _refresh_student(self, run: TrainingRun) -> None:
        student = None if run.is_active else run.student
        self._use.setVisible(student is not None)
        self._card_part.setVisible(student is not None)
        if student is None:
            return
        is_used = self._viewmodel.session.student == student
        self._use.setText("This student is in use ✓" if is_used else "Use this student")
        self._use.setEnabled(not is_used)
        if student != self._card_of:
            self._card_of = student
            self._card.setMarkdown(read_card(student))

    def _refresh_curves(self) -> None:
        run = self._run
        if run is None:
            return
        self._curves.set_value(run.curves, compared=self._viewmodel.compared)
        self._alone.setVisible(bool(self._viewmodel.compared))
        rate, speed = run.curves.last("lr"), run.curves.last("images_per_s")
        told = [f"learning rate {rate:.2g}" if rate is not None else ""]
        told.append(f"{speed:,.0f} images/s" if speed is not None else "")
        self._speed.setText(" · ".join(part for part in told if part))

    def _refresh_log(self) -> None:
        run = self._run
        if run is None:
            return
        n_new = min(run.log.n_added - self._n_lines, len(run.log.lines))
        self._n_lines = run.log.n_added
        for line in run.log.lines[len(run.log.lines) - n_new :]:
            self._log.appendPlainText(line)


def _folded(title: str, content: QWidget, parent: QWidget) -> FoldedPart:
    part = FoldedPart(title, parent)
    part.addWidget(content)
    return part


def _button(text: str, help_text: str) -> QPushButton:
    button = QPushButton(text)
    button.setMinimumHeight(26)
    button.setToolTip(help_text)
    return button
