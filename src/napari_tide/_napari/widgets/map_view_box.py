"""The part of a map that answers the mouse: zooming, panning, drawing a lasso, pointing."""

from __future__ import annotations

import pyqtgraph as pg
from pyqtgraph.GraphicsScene.mouseEvents import HoverEvent, MouseClickEvent, MouseDragEvent
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QPainterPath, QPen
from qtpy.QtWidgets import QGraphicsPathItem

from napari_tide.viewmodels.lasso import LassoMode

_SHIFT, _ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
_CONTROL = Qt.KeyboardModifier.ControlModifier


class MapViewBox(pg.ViewBox):
    """Draws a lasso with the left button while that tool is on; otherwise pans."""

    lassoed = Signal(object, str)
    pointed = Signal(object)
    clicked = Signal(object, bool)

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.06)
        self.is_lasso_on = True
        self._corners: list[QPointF] = []
        self._line = QGraphicsPathItem()
        self._line.setZValue(1000)
        self.addItem(self._line, ignoreBounds=True)

    def set_line_colour(self, colour: QColor) -> None:
        """Draw lassos in a colour that shows on the ground."""
        pen = QPen(colour, 1.5, Qt.PenStyle.DashLine)
        pen.setCosmetic(True)
        self._line.setPen(pen)
        wash = QColor(colour)
        wash.setAlpha(28)
        self._line.setBrush(wash)

    def drop_lasso(self) -> bool:
        """Give up the line being drawn; tell whether there was one."""
        was_drawing = bool(self._corners)
        self._corners = []
        self._line.setPath(QPainterPath())
        return was_drawing

    def mouseDragEvent(self, ev: MouseDragEvent, axis: int | None = None) -> None:
        """Draw a lasso, or let the map be moved."""
        if not self.is_lasso_on or ev.button() != Qt.MouseButton.LeftButton:
            super().mouseDragEvent(ev, axis)
            return
        ev.accept()
        if ev.isStart():
            self._corners = [self.mapToView(ev.buttonDownPos())]
        elif not self._corners:
            return  # given up with Esc
        self._corners.append(self.mapToView(ev.pos()))
        self._draw()
        if ev.isFinish():
            corners = [(corner.x(), corner.y()) for corner in self._corners]
            self.drop_lasso()
            self.lassoed.emit(corners, lasso_mode(ev.modifiers()))

    def mouseClickEvent(self, ev: MouseClickEvent) -> None:
        """Tell where a click fell, and whether Shift or Ctrl was held."""
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.clicked.emit(self.mapToView(ev.pos()), bool(ev.modifiers() & (_SHIFT | _CONTROL)))

    def hoverEvent(self, ev: HoverEvent) -> None:
        """Tell where the pointer is; nothing when it leaves."""
        self.pointed.emit(None if ev.isExit() else self.mapToView(ev.pos()))

    def _draw(self) -> None:
        path = QPainterPath(self._corners[0])
        for corner in self._corners[1:]:
            path.lineTo(corner)
        path.closeSubpath()
        self._line.setPath(path)


def lasso_mode(modifiers: Qt.KeyboardModifier) -> LassoMode:
    """Shift adds, Alt takes out; so does Ctrl, since some desktops move windows by Alt."""
    if modifiers & (_ALT | _CONTROL):
        return "subtract"
    return "add" if modifiers & _SHIFT else "replace"
