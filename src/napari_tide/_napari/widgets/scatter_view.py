"""One map: its points, what is marked on it, and the mouse and keys over it.

Up to 50,000 points on show are drawn one by one; more are painted as a picture by NumPy, which pans
four times quicker.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from pyqtgraph.GraphicsScene.mouseEvents import MouseClickEvent
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QBrush, QColor, QFocusEvent, QKeyEvent, QPalette, QPen
from qtpy.QtWidgets import QWidget

from napari_tide._napari.widgets.map_view_box import MapViewBox
from napari_tide._napari.widgets.plate_painter import mix
from napari_tide.viewmodels.map_colouring import PointColours
from napari_tide.viewmodels.map_raster import PointPainting, View
from napari_tide.viewmodels.maps import MapName, MapsViewModel

MOST_POINTS = 50_000
_DIM = 70
_KEYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}


class _Points(pg.ScatterPlotItem):
    """Points that leave clicks to the map, which knows better which one is meant."""

    def mouseClickEvent(self, ev: MouseClickEvent) -> None:
        ev.ignore()


class ScatterView(pg.GraphicsView):
    """A view of one map of a `MapsViewModel`; keeps nothing but what part of it is on show."""

    pointed = Signal(str, object, QPointF)
    _is_built = False

    def __init__(self, maps: MapsViewModel, name: MapName, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maps, self._name = maps, name
        self._painting: PointPainting | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._box = MapViewBox()
        self.setCentralItem(self._box)
        self._picture = pg.ImageItem(axisOrder="row-major")
        self._points = _Points(pxMode=True)
        self._lit = _Points(pxMode=True)
        self._new = _Points(pxMode=True, symbol="star", size=20)
        self._current = _Points(pxMode=True, size=17, brush=None)
        self._hovered = _Points(pxMode=True, size=15, brush=None)
        items = (
            self._picture, self._points, self._lit, self._new, self._current, self._hovered,
        )  # fmt: skip
        for depth, item in enumerate(items):
            item.setZValue(depth)
            self._box.addItem(item, ignoreBounds=True)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._paint)
        self._box.lassoed.connect(self._on_lassoed)
        self._box.pointed.connect(self._on_pointed)
        self._box.clicked.connect(self._on_clicked)
        self._box.sigRangeChanged.connect(self._on_range)
        self._is_built = True
        self.set_lasso(is_on=True)
        self._restyle()

    @property
    def is_picture(self) -> bool:
        """Whether the points are painted as a picture."""
        return self._painting is not None

    @property
    def box(self) -> MapViewBox:
        """The part that answers the mouse."""
        return self._box

    def sizeHint(self) -> QSize:
        """Ask for a plot in which a few hundred points do not overlap."""
        return QSize(320, 250)

    def set_lasso(self, *, is_on: bool) -> None:
        """Let the left button draw lassos, or move the map."""
        self._box.is_lasso_on = is_on
        self.setCursor(Qt.CursorShape.CrossCursor if is_on else Qt.CursorShape.OpenHandCursor)

    def show_all(self) -> None:
        """Bring every point into view."""
        places = self._maps.places(self._name)
        if places is None or not np.isfinite(places).any():
            return
        left, low = np.nanmin(places, axis=0).tolist()
        right, high = np.nanmax(places, axis=0).tolist()
        area = QRectF(left, low, max(right - left, 1e-3), max(high - low, 1e-3))
        self._box.setRange(area, padding=0.06)

    def refresh(self) -> None:
        """Draw points, selection and marks anew."""
        places = self._maps.places(self._name)
        if places is None:
            self._clear()
            return
        visible = self._maps.visible(self._name)
        selected = self._maps.selected(self._name) & visible
        colours = self._maps.colours.of(self._name)
        if int(visible.sum()) > MOST_POINTS:
            self._fill_picture(places, colours, visible, selected)
        else:
            self._fill_points(places, colours, visible, selected)
        self.refresh_marks()

    def refresh_marks(self) -> None:
        """Draw the current well, what is pointed at and the new drug."""
        places = self._maps.places(self._name)
        if places is None:
            return
        for item, points in (
            (self._current, self._maps.current(self._name)),
            (self._hovered, self._maps.hovered(self._name)),
        ):
            marked = places[points]
            item.setData(pos=marked[np.isfinite(marked).all(axis=1)])
        new = self._maps.new_place(self._name)
        self._new.setData(pos=np.array([new]) if new else np.empty((0, 2)))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        themed = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange)
        if self._is_built and event.type() in themed:
            self._restyle()

    def showEvent(self, event: QEvent) -> None:
        """Take the theme's colours, which are known by now."""
        super().showEvent(event)
        self._restyle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk from point to point, show or select the one pointed at, zoom."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            right, up = _KEYS[key]
            self._maps.point_at(self._name, self._maps.neighbour(self._name, right=right, up=up))
            self._tell_pointed()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._use_pointed(is_selecting=key == Qt.Key.Key_Space)
        elif key == Qt.Key.Key_Escape:
            if not self._box.drop_lasso():
                self._maps.clear()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1.25 if key == Qt.Key.Key_Minus else 0.8
            self._box.scaleBy((factor, factor))
        elif key == Qt.Key.Key_Home:
            self.show_all()
        else:
            event.ignore()  # napari's own shortcuts
            return
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Point at nothing any more."""
        super().focusOutEvent(event)
        self._maps.point_at(self._name, None)
        self.pointed.emit(self._name, None, QPointF())

    def _clear(self) -> None:
        self._painting = None
        self._picture.clear()
        for item in (self._points, self._lit, self._new, self._current, self._hovered):
            item.clear()

    def _fill_points(
        self,
        places: npt.NDArray[np.float32],
        colours: PointColours,
        visible: npt.NDArray[np.bool_],
        selected: npt.NDArray[np.bool_],
    ) -> None:
        self._painting = None
        self._picture.clear()
        size = point_size(int(visible.sum()))
        any_selected = bool(selected.any())
        rim = _pen(self._rim, 1.0) if size >= 6 else None
        rest = np.flatnonzero(visible & ~selected)
        self._points.setData(
            pos=places[rest],
            brush=_brushes(colours, _DIM if any_selected else 255)[colours.code_N[rest]],
            size=size,
            pen=None if any_selected else rim,
        )
        lit = np.flatnonzero(selected)
        self._lit.setData(
            pos=places[lit],
            brush=_brushes(colours, 255)[colours.code_N[lit]],
            size=size + 2,
            pen=_pen(self._ink, 1.2),
        )

    def _fill_picture(
        self,
        places: npt.NDArray[np.float32],
        colours: PointColours,
        visible: npt.NDArray[np.bool_],
        selected: npt.NDArray[np.bool_],
    ) -> None:
        self._points.clear()
        self._lit.clear()
        order = np.concatenate([np.flatnonzero(visible & ~selected), np.flatnonzero(selected)])
        rgba = np.full((len(order), 4), 255, dtype=np.uint8)
        rgba[:, :3] = colours.rgb()[order]
        n_lit = int(selected.sum())
        if n_lit:
            rgba[: len(order) - n_lit, 3] = _DIM
        self._painting = PointPainting(places[order], rgba, radius_px=1)
        self._paint()

    def _paint(self) -> None:
        size = self._box.size()
        if self._painting is None or size.width() < 1 or size.height() < 1:
            return
        (left, right), (low, high) = self._box.viewRange()
        ratio = self.devicePixelRatioF()
        width, height = round(size.width() * ratio), round(size.height() * ratio)
        picture = self._painting.paint(View(left, low, right, high, width, height))
        self._picture.setImage(picture[::-1], autoLevels=False)
        self._picture.setRect(QRectF(left, low, right - left, high - low))

    def _on_range(self) -> None:
        if self._painting is not None:
            self._later.start(0)

    def _restyle(self) -> None:
        """Take the colours of the window's theme."""
        palette = self.palette()
        paper = palette.color(QPalette.ColorRole.Window)
        self._ink = palette.color(QPalette.ColorRole.WindowText)
        self._rim = mix(paper, self._ink, share=0.35)
        self.setBackground(mix(paper, self._ink, share=0.04))
        self._box.set_line_colour(self._ink)
        self._current.setPen(_pen(self._ink, 2.6))
        self._hovered.setPen(_pen(self._ink, 1.6))
        self._new.setPen(_pen(paper, 1.2))
        self._new.setBrush(QBrush(self._ink))
        self.refresh()

    def _on_lassoed(self, corners: list[tuple[float, float]], mode: str) -> None:
        self._maps.lasso(
            self._name,
            corners,
            "add" if mode == "add" else "subtract" if mode == "subtract" else "replace",
        )

    def _on_pointed(self, place: QPointF | None) -> None:
        found = None
        if place is not None:
            found = self._maps.nearest(
                self._name, (place.x(), place.y()), unit_per_px=self._box.viewPixelSize()
            )
        self._maps.point_at(self._name, found)
        self._tell_pointed()

    def _on_clicked(self, place: QPointF, is_selecting: bool) -> None:  # noqa: FBT001 - a Qt slot
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._on_pointed(place)
        self._use_pointed(is_selecting=is_selecting)

    def _use_pointed(self, *, is_selecting: bool) -> None:
        point = self._maps.pointed(self._name)
        if point is None:
            return
        if is_selecting:
            self._maps.toggle(self._name, point)
        else:
            self._maps.go_to(self._name, point)

    def _tell_pointed(self) -> None:
        """Tell which point is pointed at, and where on the widget it is."""
        point, places = self._maps.pointed(self._name), self._maps.places(self._name)
        if point is None or places is None:
            self.pointed.emit(self._name, None, QPointF())
            return
        x, y = places[point].tolist()
        scene = self._box.mapViewToScene(QPointF(x, y))
        self.pointed.emit(self._name, point, QPointF(self.mapFromScene(scene)))


def point_size(n_points: int) -> float:
    """Give a diameter in pixels at which that many points still can be told apart."""
    for most, size in ((120, 12.0), (600, 9.0), (3_000, 7.0), (12_000, 5.0)):
        if n_points <= most:
            return size
    return 3.0


def _pen(colour: QColor, width_px: float) -> QPen:
    """Give a pen that is not scaled with the symbol it draws."""
    pen = QPen(colour, width_px)
    pen.setCosmetic(True)
    return pen


def _brushes(colours: PointColours, alpha: int) -> npt.NDArray[np.object_]:
    brushes = np.empty(len(colours.palette), dtype=object)
    brushes[:] = [QBrush(QColor(*colour, alpha)) for colour in colours.palette]
    return brushes
