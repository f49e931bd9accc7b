"""The clickable plate: wells are painted once, what follows the user over them each time."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from qtpy.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_tide._napari.widgets.plate_geometry import PlateGeometry
from napari_tide._napari.widgets.plate_painter import PlatePainter
from napari_tide.screens.well import Well
from napari_tide.viewmodels.plate import PlateViewModel

_STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}
_ENDS = {Qt.Key.Key_Home: -1, Qt.Key.Key_End: 1}
_PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}
_HELP = (
    "Click a well to show it; drag or Ctrl-click to select wells; "
    "arrow keys, Home and End go to imaged wells, Page Up and Page Down to other plates; "
    "Space selects; Esc clears the selection."
)


class PlateMap(QWidget):
    """Shows a `PlateViewModel`; clicks, drags and arrow keys go to it."""

    def __init__(self, plate: PlateViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plate = plate
        self._geometry = PlateGeometry.fit(plate.format, self.width(), self.height())
        self._pressed: Well | None = None
        self._dragged_to: Well | None = None
        self._wells = QPixmap()
        self._wells_painted_for: tuple[object, ...] = ()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Plate map")
        self.setAccessibleDescription(_HELP)
        self.setWhatsThis(_HELP)
        self.setToolTip(_HELP)  # over a well its own description takes its place
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        plate.grid_changed.connect(self._on_grid)
        plate.colours_changed.connect(self._on_colours)
        plate.place_changed.connect(self._repaint)
        plate.selection_changed.connect(self._repaint)
        plate.session.events.hover.connect(self._repaint)

    def value(self) -> Well | None:
        """Give the well on show."""
        return self._plate.current

    def well_center(self, well: Well) -> QPointF:
        """Give where a well is painted, in widget coordinates."""
        return self._geometry.cell(well).center()

    def well_at(self, position: QPointF) -> Well | None:
        """Give the well painted at a point, imaged or not."""
        return self._geometry.well_at(position)

    def sizeHint(self) -> QSize:
        """Ask for a plate of readable wells."""
        return QSize(340, self.heightForWidth(340))

    def minimumSizeHint(self) -> QSize:
        """Stay usable in a narrow dock."""
        return QSize(220, self.heightForWidth(220))

    def hasHeightForWidth(self) -> bool:
        """Wells stay square."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Give the height at which wells are square."""
        return PlateGeometry.height_for(self._plate.format, width)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the whole plate."""
        del event
        wells = self._painted_wells()
        painter = QPainter(self)
        try:
            painter.drawPixmap(0, 0, wells)
            self._plate_painter(painter).paint_marks(
                self._plate,
                band=self._band(),
                hover=self._plate.session.hover,
                has_focus=self.hasFocus(),
            )
        finally:
            painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the wells to the new size."""
        super().resizeEvent(event)
        self._refit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or drag began."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = self.well_at(event.position())
            self._dragged_to = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Hover, or stretch the selection."""
        well = self.well_at(event.position())
        self._plate.session.hover_over(well)
        if self._pressed is None or well is None:
            return
        if self._dragged_to is not None or well != self._pressed:
            self._dragged_to = well
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Show the clicked well, or select the wells dragged over."""
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        pressed, dragged_to = self._pressed, self._dragged_to
        self._pressed, self._dragged_to = None, None
        adds = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if dragged_to is not None:
            self._plate.select_wells(self._plate.wells_between(pressed, dragged_to), add=adds)
        elif adds:
            self._plate.toggle_well(pressed)
        else:
            self._plate.session.go_to(pressed)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Stop hovering."""
        super().leaveEvent(event)
        self._plate.session.hover_over(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move over the imaged wells."""
        key = Qt.Key(event.key())
        is_far = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if key in _STEPS:
            rows, columns = _STEPS[key]
            self._plate.step(rows=rows, columns=columns)
        elif key in _ENDS:
            self._plate.go_to_end(_ENDS[key], of_plate=is_far)
        elif key in _PAGES:
            self._plate.session.step_plate(_PAGES[key])
        elif key == Qt.Key.Key_Space and self._plate.current is not None:
            self._plate.toggle_well(self._plate.current)
        elif key == Qt.Key.Key_Escape and self._plate.selected_wells:
            self._plate.select_wells([])
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Answer tooltips well by well."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            well = self.well_at(QPointF(event.pos()))
            if well is None:
                QToolTip.showText(event.globalPos(), _HELP, self)
            else:
                cell = self._geometry.cell(well).toAlignedRect()
                QToolTip.showText(event.globalPos(), self._plate.describe(well), self, cell)
            return True
        return bool(super().event(event))

    def _band(self) -> QRectF | None:
        if self._pressed is None or self._dragged_to is None:
            return None
        return self._geometry.cell(self._pressed) | self._geometry.cell(self._dragged_to)

    def _painted_wells(self) -> QPixmap:
        """Give the wells, which take ten times as long to paint as the marks over them."""
        ratio, palette = self.devicePixelRatioF(), self.palette()
        colours = (palette.window().color().rgba(), palette.windowText().color().rgba())
        wanted = (self.width(), self.height(), ratio, *colours)
        if self._wells_painted_for != wanted:
            self._wells_painted_for = wanted
            self._wells = QPixmap(self.size() * ratio)
            self._wells.setDevicePixelRatio(ratio)
            self._wells.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._wells)
            try:
                self._plate_painter(painter).paint_wells(self._plate)
            finally:
                painter.end()
        return self._wells

    def _plate_painter(self, painter: QPainter) -> PlatePainter:
        return PlatePainter(painter, self._geometry, self.palette(), self.font())

    def _on_colours(self) -> None:
        self._wells_painted_for = ()
        self.update()

    def _on_grid(self) -> None:
        self._wells_painted_for = ()
        self._refit()
        self.updateGeometry()

    def _refit(self) -> None:
        self._geometry = PlateGeometry.fit(self._plate.format, self.width(), self.height())
        self.update()

    def _repaint(self) -> None:
        self.update()
