"""A pair of buttons around a text: one step back, where one is, one step on."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget


class Stepper(QWidget):
    """Emits ``stepped(-1)`` or ``stepped(1)``; what a step means is the owner's business."""

    stepped = Signal(int)

    def __init__(self, *, back_help: str, on_help: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._back = self._button("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", back_help)
        self._on = self._button("\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}", on_help)
        self._text = QLabel(self)
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setMinimumWidth(76)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self._back)
        row.addWidget(self._text, 1)
        row.addWidget(self._on)
        self._back.clicked.connect(self._step_back)
        self._on.clicked.connect(self._step_on)

    def value(self) -> str:
        """Give the text on show."""
        return str(self._text.text())

    def set_value(self, text: str, *, can_go_back: bool, can_go_on: bool) -> None:
        """Show where one is, and which steps are left."""
        self._text.setText(text)
        self._back.setEnabled(can_go_back)
        self._on.setEnabled(can_go_on)

    def _button(self, text: str, help_text: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setFixedWidth(30)
        button.setToolTip(help_text)
        button.setAccessibleName(help_text)
        return button

    def _step_back(self) -> None:
        self.stepped.emit(-1)

    def _step_on(self) -> None:
        self.stepped.emit(1)
