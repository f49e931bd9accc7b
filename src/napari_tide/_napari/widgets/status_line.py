"""One line for what is going on, or for what went wrong with a way to copy it."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget


class StatusLine(QWidget):
    """Shows work under way, else a problem; takes no room when there is neither."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._busy, self._problem, self._details = "", "", ""
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy = QPushButton("Copy details", self)
        self._copy.setToolTip("Copy this message, the place and the versions to the clipboard")
        self._copy.clicked.connect(self._copy_details)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._text, 1)
        row.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        self._show()

    def value(self) -> str:
        """Give the sentence on show."""
        return str(self._text.text())

    def set_busy(self, text: str) -> None:
        """Say what is under way; an empty text ends it."""
        self._busy = text
        self._show()

    def set_problem(self, problem: str, *, details: str) -> None:
        """Say what went wrong; an empty sentence clears it."""
        self._problem, self._details = problem, details
        self._show()

    def _show(self) -> None:
        self._text.setText(self._busy or _sentence(self._problem))
        self._copy.setVisible(bool(self._problem) and not self._busy)
        self.setVisible(bool(self._busy or self._problem))

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._details)


def _sentence(problem: str) -> str:
    return f"⚠ {problem[0].upper()}{problem[1:]}." if problem else ""
