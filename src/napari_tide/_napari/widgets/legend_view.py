"""What the plate's colours mean, below the map."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_tide.viewmodels.well_colouring import VIRIDIS, Legend

_MOST_ENTRIES = 12
_FIRST_ENTRIES = 6  # of more than those: nobody learns so many colours, and the room is needed
_GAP = "&nbsp;&nbsp;&nbsp; "


class ScaleBar(QWidget):
    """A strip of the colours numbers are shown in, from low to high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Ask for a slim strip."""
        return QSize(120, 10)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the strip."""
        del event
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for number, colour in enumerate(VIRIDIS):
            gradient.setColorAt(number / (len(VIRIDIS) - 1), QColor(*colour))
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(self.rect()), 3, 3)
        painter.end()


class LegendView(QWidget):
    """Shows a `Legend`: named colours, or a scale with its ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._legend = Legend()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._names = QLabel(self)
        self._names.setWordWrap(True)
        self._names.setTextFormat(Qt.TextFormat.RichText)
        self._names.setToolTip("What the colours of the wells mean")
        self._low, self._high = QLabel(self), QLabel(self)
        self._scale = QWidget(self)
        row = QHBoxLayout(self._scale)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._low)
        row.addWidget(ScaleBar(self._scale), 1)
        row.addWidget(self._high)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._scale)
        column.addWidget(self._names)
        self.set_value(self._legend, has_negcon=False, has_poscon=False)

    def value(self) -> Legend:
        """Give the legend on show."""
        return self._legend

    def set_value(self, legend: Legend, *, has_negcon: bool, has_poscon: bool) -> None:
        """Show a legend, with the marks of whichever controls the plate has."""
        self._legend = legend
        self._scale.setVisible(legend.kind == "scale")
        self._low.setText(f"{legend.low:.3g}")
        self._high.setText(f"{legend.high:.3g}{' (log)' if legend.is_log else ''}")
        n_shown = len(legend.entries)
        n_shown = n_shown if n_shown <= _MOST_ENTRIES else _FIRST_ENTRIES
        names = [_entry(name, f"rgb{colour}") for name, colour in legend.entries[:n_shown]]
        n_more = len(legend.entries) - n_shown
        more = f"and {n_more} more: hover over a well to read its own" if n_more > 0 else ""
        negcon = "◯&nbsp;negative&nbsp;control" if has_negcon else ""
        poscon = "◉&nbsp;positive&nbsp;control" if has_poscon else ""
        marks = _GAP.join(mark for mark in (negcon, poscon) if mark)
        lines = [line for line in (_GAP.join(names), more, marks) if line]
        self._names.setText(
            "".join(f"<div style='margin-bottom: 4px'>{line}</div>" for line in lines)
        )
        self._names.setVisible(bool(lines))
        self._names.updateGeometry()
        self.updateGeometry()


def _entry(name: str, colour: str) -> str:
    words = escape(name).replace(" ", "&nbsp;").replace("-", "&#8209;")
    return f'<span style="color: {colour}">⬤</span>&nbsp;{words}'
