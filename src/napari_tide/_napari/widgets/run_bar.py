"""Run: Field, Well, Plate, and Cancel, with how far it is."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from napari_tide.viewmodels.plate_run import PlateRun, Scope

_BUTTONS: tuple[tuple[Scope, str, str], ...] = (
    ("field", "Field", "Run the student over the field on show"),
    ("well", "Well", "Run the student over every site of the well on show"),
    ("plate", "Plate", "Run the student over the plate; wells take their colour as they finish"),
)


class RunBar(QWidget):
    """A view of `PlateRun`; emits ``asked`` with the scope of a button."""

    asked = Signal(str)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[Scope, QPushButton] = {}
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(QLabel("Run", self))
        for scope, text, help_text in _BUTTONS:
            button = self._button(text, help_text)
            button.setObjectName(scope)
            button.clicked.connect(self._ask)
            self._buttons[scope] = button
            row.addWidget(button, 1)
        self._cancel = self._button(
            "Cancel", "Stop after the batch under way; what is done is kept"
        )
        self._cancel.clicked.connect(self.cancelled)
        row.addWidget(self._cancel, 1)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName("Progress of the run")
        self._text = QLabel(self)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setWordWrap(True)
        page = QGridLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setVerticalSpacing(4)
        page.addLayout(row, 0, 0)
        page.addWidget(self._bar, 1, 0)
        page.addWidget(self._text, 2, 0)

    def value(self) -> str:
        """Give the words on show."""
        return str(self._text.text())

    def set_value(self, run: PlateRun) -> None:
        """Show how a run stands."""
        for button in self._buttons.values():
            button.setEnabled(run.can_run)
        self._cancel.setEnabled(run.state == "running")
        done, total = run.progress
        self._bar.setVisible(run.state != "idle")
        self._bar.setRange(0, total if done else 0)
        self._bar.setValue(done)
        said = run.text or ("reading earlier results…" if run.is_finding else "")
        self._text.setText(said)
        self._text.setVisible(bool(said))

    def _button(self, text: str, help_text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setMinimumHeight(28)
        button.setToolTip(help_text)
        return button

    def _ask(self) -> None:
        self.asked.emit(self.sender().objectName())
