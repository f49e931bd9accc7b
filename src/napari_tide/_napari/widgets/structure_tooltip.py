"""A small card beside the pointer: the structure of a drug and who it is."""

from __future__ import annotations

from qtpy.QtCore import QPoint, QSize, Qt
from qtpy.QtGui import QPainter, QPalette, QPixmap
from qtpy.QtSvg import QSvgRenderer
from qtpy.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from napari_tide.chem.drawing import draw_svg
from napari_tide.errors import MoleculeValueError

_SIZE = QSize(200, 120)
_AWAY_PX = 14
_BORDER = "#structureTooltip { border: 1px solid rgba(128, 128, 128, 180); border-radius: 4px; }"
_DARK_BELOW = 128


class StructureTooltip(QFrame):
    """Shows a drawing and a line of text; stays within its parent, so it leaves no window."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("structureTooltip")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet(_BORDER)
        self.setAutoFillBackground(True)
        self._drawing, self._text = QLabel(self), QLabel(self)
        self._drawing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setFixedWidth(_SIZE.width())
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        column.addWidget(self._drawing)
        column.addWidget(self._text)
        self.hide()

    def value(self) -> str:
        """Give the text on show; empty while nothing is."""
        return str(self._text.text()) if not self.isHidden() else ""

    def show_at(self, point: QPoint, *, text: str, smiles: str) -> None:
        """Show a drug beside a point of the parent, on the side with room."""
        self._text.setText(text)
        self._draw(smiles)
        self.adjustSize()
        room = self.parentWidget().rect()
        x, y = point.x() + _AWAY_PX, point.y() + _AWAY_PX
        if x + self.width() > room.width():
            x = point.x() - _AWAY_PX - self.width()
        if y + self.height() > room.height():
            y = point.y() - _AWAY_PX - self.height()
        self.move(max(x, 0), max(min(y, room.height() - self.height()), 0))
        self.raise_()
        self.show()

    def _draw(self, smiles: str) -> None:
        self._drawing.setVisible(bool(smiles))
        if not smiles:
            return
        is_dark = self.palette().color(QPalette.ColorRole.Window).lightness() < _DARK_BELOW
        try:
            svg = draw_svg(smiles, width=_SIZE.width(), height=_SIZE.height(), is_dark=is_dark)
        except MoleculeValueError:
            self._drawing.setVisible(False)  # the text still says who it is
            return
        ratio = self.devicePixelRatioF()
        picture = QPixmap(_SIZE * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        QSvgRenderer(svg.encode()).render(painter)
        painter.end()
        self._drawing.setPixmap(picture)
