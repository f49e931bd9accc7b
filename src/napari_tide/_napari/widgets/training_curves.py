"""Live curves of a training: the loss and its parts, and k-NN recognition over its chance line."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import pyqtgraph
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_tide.viewmodels.run_curves import Curve, RunCurves, curve_title
from napari_tide.viewmodels.well_colouring import OKABE_ITO, RGB

_HEIGHT_PX = 150
_MARKS = {Qt.PenStyle.DashLine: "╍", Qt.PenStyle.DotLine: "┈"}
_YELLOW = (240, 228, 66)
_COLOURS = tuple(colour for colour in OKABE_ITO if colour != _YELLOW)  # unseen on light themes
_MOST_PARTS = len(_COLOURS) - 1
_FEWEST_STEPS = 10.0  # fewer on the axis would be halves of steps


class CurvePlot(pyqtgraph.PlotWidget):
    """Curves by name over training steps; the same name keeps its line and colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: dict[str, pyqtgraph.PlotDataItem] = {}
        self._looks: dict[str, tuple[RGB, Qt.PenStyle]] = {}
        self.setFixedHeight(_HEIGHT_PX)
        self.setMinimumWidth(0)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.showGrid(x=False, y=True, alpha=0.15)
        self.plotItem.setContentsMargins(0, 2, 8, 0)
        self.getAxis("left").setWidth(44)
        for name in ("left", "bottom"):
            self.getAxis(name).setStyle(hideOverlappingLabels=False)  # the zero at the corner

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the dock, so that it scrolls."""
        event.ignore()

    def value(self) -> dict[str, tuple[list[float], list[float]]]:
        """Give what is drawn: steps and values by title."""
        drawn = {}
        for name, line in self._lines.items():
            steps, values = line.getData()
            drawn[name] = ([], []) if steps is None else (list(steps), list(values))
        return drawn

    def set_ink(self, background: RGB, ink: RGB) -> None:
        """Draw in a theme's colours."""
        self.setBackground(background)
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pyqtgraph.mkPen((*ink, 90)))
            axis.setTextPen(pyqtgraph.mkPen((*ink, 200)))

    def legend(self) -> str:
        """Say which line is which, as rich text."""
        entries = []
        for title, (colour, style) in self._looks.items():
            mark = _MARKS.get(style, "━")
            entries.append(f"<span style='color: rgb{colour}'>{mark}</span>&nbsp;{_joined(title)}")
        return "&ensp; ".join(entries)

    def show_curve(self, title: str, curve: Curve, *, colour: RGB, style: Qt.PenStyle) -> None:
        """Draw a curve, or draw it on."""
        line = self._lines.get(title)
        if line is None:
            pen = pyqtgraph.mkPen(colour, width=2 if style == Qt.PenStyle.SolidLine else 1.5)
            pen.setStyle(style)
            line = self.plot([], [], pen=pen)
            self._lines[title], self._looks[title] = line, (colour, style)
        is_point = len(curve.steps) == 1
        line.setSymbol("o" if is_point else None)
        line.setSymbolSize(6)
        line.setSymbolBrush(colour)
        line.setData(curve.steps, curve.values)

    @property
    def last_step(self) -> float:
        """The newest step of any line; zero where there is none."""
        return max((steps[-1] for steps, _ in self.value().values() if steps), default=0.0)

    def fit(self, last_step: float) -> None:
        """Show every step from the start, and nothing below zero where no value is."""
        self.setXRange(0, 1.02 * max(last_step, _FEWEST_STEPS), padding=0)
        is_above = all(value >= 0 for _, values in self.value().values() for value in values)
        self.setLimits(yMin=0 if is_above else None)

    def keep_only(self, titles: set[str]) -> None:
        """Take away the lines of other titles."""
        for title in self._lines.keys() - titles:
            self.removeItem(self._lines.pop(title))
            del self._looks[title]


class TrainingCurves(QWidget):
    """Two plots of a `RunCurves`, and thin ones of runs it is compared with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.losses, self.recognition = CurvePlot(self), CurvePlot(self)
        self.losses.setToolTip("The loss and its parts over training steps")
        self.recognition.setToolTip(
            "Share of validation images whose perturbation the nearest training images vote for"
        )
        self._about_losses, self._about_recognition = _legend(self), _legend(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._about_losses)
        column.addWidget(self.losses)
        column.addWidget(self._about_recognition)
        column.addWidget(self.recognition)
        self.set_theme("dark")

    def set_theme(self, name: str) -> None:
        """Take the colours of a napari theme."""
        theme = get_theme(name)
        background, ink = (tuple(c.as_rgb_tuple()[:3]) for c in (theme.background, theme.text))
        for plot in (self.losses, self.recognition):
            plot.set_ink(background, ink)

    def set_value(self, curves: RunCurves, *, compared: Mapping[str, RunCurves]) -> None:
        """Show a run's curves, and those of others dashed."""
        self._show_losses(curves, compared)
        self._show_recognition(curves, compared)
        last_step = max(self.losses.last_step, self.recognition.last_step)
        for plot in (self.losses, self.recognition):
            plot.fit(last_step)  # the same steps stand above each other
        self._about_losses.setText(f"<b>Loss</b>&ensp; {self.losses.legend()}")
        self._about_recognition.setText(f"<b>Recognition</b>&ensp; {self.recognition.legend()}")

    def _show_losses(self, curves: RunCurves, compared: Mapping[str, RunCurves]) -> None:
        shown = set()
        parts = list(curves.losses.items())[: 1 + _MOST_PARTS]
        for number, (name, curve) in enumerate(parts):
            title = curve_title(name)
            colour = _COLOURS[number]
            self.losses.show_curve(title, curve, colour=colour, style=Qt.PenStyle.SolidLine)
            shown.add(title)
        for number, (run, other) in enumerate(compared.items()):
            if "loss" in other.losses:
                colour = _other_colour(number)
                dashes = Qt.PenStyle.DashLine
                self.losses.show_curve(run, other.losses["loss"], colour=colour, style=dashes)
                shown.add(run)
        self.losses.keep_only(shown)

    def _show_recognition(self, curves: RunCurves, compared: Mapping[str, RunCurves]) -> None:
        shown = set()
        for number, (name, curve) in enumerate(curves.recognition.items()):
            is_chance = name.startswith("chance")
            title = curve_title(name)
            self.recognition.show_curve(
                title,
                curve,
                colour=(140, 140, 140) if is_chance else _COLOURS[number],
                style=Qt.PenStyle.DotLine if is_chance else Qt.PenStyle.SolidLine,
            )
            shown.add(title)
        for number, (run, other) in enumerate(compared.items()):
            if "knn_top1" in other.recognition:
                colour = _other_colour(number)
                curve, dashes = other.recognition["knn_top1"], Qt.PenStyle.DashLine
                self.recognition.show_curve(run, curve, colour=colour, style=dashes)
                shown.add(run)
        self.recognition.keep_only(shown)


def _legend(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    return label


def _joined(title: str) -> str:
    """Keep a name on one line of the legend."""
    return escape(title).replace(" ", "&nbsp;").replace("-", "&#8209;")


def _other_colour(number: int) -> RGB:
    return _COLOURS[-1 - number % len(_COLOURS)]
