"""A part of a dock that folds away under its title."""

from __future__ import annotations

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

_LOOK = "text-align: left; border: none; background: transparent; padding: 2px 0;"


class FoldedPart(QCollapsible):
    """A collapsible whose arrow stands in its title, in the theme's own colour."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._title = title
        self.setDuration(0)
        self.setCollapsedIcon(QIcon())
        self.setExpandedIcon(QIcon())
        self.toggleButton().setStyleSheet(_LOOK)
        self.layout().setContentsMargins(0, 0, 0, 0)
        self.content().layout().setContentsMargins(0, 0, 0, 0)
        self.toggled.connect(self._show_arrow)
        self._show_arrow(is_open=False)

    def unfold(self) -> None:
        """Show what is below the title."""
        self.expand(animate=False)
        self._show_arrow(is_open=True)

    def fold(self) -> None:
        """Hide what is below the title."""
        self.collapse(animate=False)
        self._show_arrow(is_open=False)

    def _show_arrow(self, is_open: bool) -> None:  # noqa: FBT001 - a Qt signal
        self.setText(f"{'▾' if is_open else '▸'} {self._title}")
        self.toggleButton().setToolTip(f"{'Hide' if is_open else 'Show'}: {self._title.lower()}")
