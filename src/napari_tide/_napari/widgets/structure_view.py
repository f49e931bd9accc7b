"""A structure drawn in the colours of the window it is in."""

from __future__ import annotations

from qtpy.QtCore import QByteArray, QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPalette
from qtpy.QtSvg import QSvgRenderer
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_tide.chem.drawing import draw_svg
from napari_tide.errors import MoleculeValueError

_WIDTH, _HEIGHT = 150, 110
_DARK_BELOW = 128


class StructureView(QWidget):
    """Draws a SMILES; a structure that cannot be read says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._smiles = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Structure of the compound")

    def sizeHint(self) -> QSize:
        """Ask for a small drawing."""
        return QSize(_WIDTH, _HEIGHT)

    def value(self) -> str:
        """Give the SMILES on show."""
        return self._smiles

    def set_value(self, smiles: str) -> None:
        """Draw another structure; an empty one takes no room."""
        self._smiles = smiles
        self.setToolTip(smiles)
        self.setVisible(bool(smiles))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the drawing."""
        del event
        painter = QPainter(self)
        try:
            svg = self._svg()
        except MoleculeValueError:
            text = "This structure\ncannot be drawn"
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), text)
        else:
            renderer = QSvgRenderer(QByteArray(svg.encode()))
            renderer.render(painter, QRectF(self.rect()))
        painter.end()

    def _svg(self) -> str:
        paper = self.palette().color(QPalette.ColorRole.Window)
        return draw_svg(
            self._smiles,
            width=self.width(),
            height=self.height(),
            is_dark=paper.lightness() < _DARK_BELOW,
        )
