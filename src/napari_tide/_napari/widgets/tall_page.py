"""A page that may be taller than the window, and is never cut off at its side."""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QScrollArea

_LEAST_HEIGHT_PX = 120


class TallPage(QScrollArea):
    """Scrolls up and down only; it asks for the width of its page and of its scroll bar."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the focus of its page
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        """Give the least size at which every control is whole."""
        page = self.widget()
        width = page.minimumSizeHint().width() if page is not None else 0
        return QSize(width + self.verticalScrollBar().sizeHint().width(), _LEAST_HEIGHT_PX)

    def sizeHint(self) -> QSize:
        """Give the size of the page beside the scroll bar."""
        page = self.widget()
        wanted = page.sizeHint() if page is not None else QSize(0, 0)
        return wanted + QSize(self.verticalScrollBar().sizeHint().width(), 0)
