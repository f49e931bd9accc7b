"""Painting a plate: wells, rings of controls, cursor, selection, row and column names."""

from __future__ import annotations

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPalette, QPen

from napari_tide._napari.widgets.plate_geometry import PlateGeometry
from napari_tide.screens.well import Well, row_name
from napari_tide.viewmodels.plate import PlateViewModel

_ROUND_ABOVE_PX = 7.0
_NAME_PX = 11


class PlatePainter:
    """Paints one plate in the colours of the widget's theme."""

    def __init__(
        self, painter: QPainter, geometry: PlateGeometry, palette: QPalette, font: QFont
    ) -> None:
        self._painter = painter
        self._geometry = geometry
        self._paper = palette.color(QPalette.ColorRole.Window)
        self._ink = palette.color(QPalette.ColorRole.WindowText)
        self._is_round = geometry.cell_px >= _ROUND_ABOVE_PX
        self._font = QFont(font)
        self._font.setPixelSize(_NAME_PX)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, self._is_round)

    def paint_wells(self, plate: PlateViewModel) -> None:
        """Paint what stays the same while a user goes from well to well."""
        self._paint_wells(plate)
        self._paint_controls(plate)

    def paint_marks(
        self,
        plate: PlateViewModel,
        *,
        band: QRectF | None,
        hover: Well | None,
        has_focus: bool,
    ) -> None:
        """Paint names and what follows the user over the wells, the cursor last."""
        marked = [well for well in (hover, plate.current) if well is not None]
        self._paint_names(plate, marked)
        self._paint_selection(plate)
        if hover is not None and hover != plate.current:
            self._frame(hover, mix(self._paper, self._ink, share=0.6), width=1.0)
        if plate.current is not None:
            self._paint_cursor(plate.current, has_focus=has_focus)
        if band is not None:
            self._paint_band(band)

    def _paint_names(self, plate: PlateViewModel, marked: list[Well]) -> None:
        self._painter.setFont(self._font)
        metrics = QFontMetricsF(self._font)
        widest = max(metrics.horizontalAdvance(str(plate.format.columns)), 14.0)
        rows, columns = {well.row for well in marked}, {well.column for well in marked}
        row_step = self._geometry.label_step(metrics.height() - 2)
        column_step = self._geometry.label_step(widest + 4)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row in _shown(plate.format.rows, row_step, rows):
            self._name(
                self._geometry.row_name_box(row), right, row_name(row), is_marked=row in rows
            )
        low = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        for column in _shown(plate.format.columns, column_step, columns):
            box = self._geometry.column_name_box(column)
            self._name(box, low, str(column + 1), is_marked=column in columns)

    def _name(self, box: QRectF, align: Qt.AlignmentFlag, text: str, *, is_marked: bool) -> None:
        self._painter.setPen(self._ink if is_marked else mix(self._paper, self._ink, share=0.65))
        self._painter.drawText(box, align, text)

    def _paint_wells(self, plate: PlateViewModel) -> None:
        missing = mix(self._paper, self._ink, share=0.10)
        unsaid = mix(self._paper, self._ink, share=0.38)
        # A thin rim keeps dark colours apart from a dark theme, light ones from a light one.
        rim = QPen(mix(self._paper, self._ink, share=0.45), 1.0 if self._is_round else 0.0)
        fills = plate.fills
        for well in plate.format.wells():
            if not plate.is_imaged(well):
                self._painter.setPen(Qt.PenStyle.NoPen)
                self._painter.setBrush(missing)
                self._well(well, shrink=0.30 if self._is_round else 0.12)
                continue
            fill = fills.get(well)
            self._painter.setPen(rim if self._is_round else Qt.PenStyle.NoPen)
            self._painter.setBrush(QColor(*fill) if fill else unsaid)
            self._well(well, shrink=0.11)

    def _paint_controls(self, plate: PlateViewModel) -> None:
        """Ring negative controls; positive ones also carry a dot, for those who see no colour."""
        size = self._geometry.cell_px
        if not self._is_round:
            return  # too small for rings: tooltips tell the controls
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        for well in plate.wells:
            control = plate.control(well)
            if not control:
                continue
            self._painter.setPen(QPen(self._ink, max(1.0, size * 0.07)))
            self._painter.setBrush(Qt.BrushStyle.NoBrush)
            self._well(well, shrink=0.10)
            if control == "poscon":
                self._painter.setPen(Qt.PenStyle.NoPen)
                fill = plate.fills.get(well)
                self._painter.setBrush(_dot_on(QColor(*fill)) if fill else self._ink)
                centre = self._geometry.cell(well).center()
                self._painter.drawEllipse(centre, size * 0.13, size * 0.13)

    def _paint_selection(self, plate: PlateViewModel) -> None:
        accent = QColor(self._ink)
        accent.setAlpha(46)
        for well in plate.selected_wells:
            cell = self._geometry.cell(well)
            self._painter.setPen(Qt.PenStyle.NoPen)
            self._painter.setBrush(accent)
            self._painter.drawRect(cell)
            self._frame(well, self._ink, width=1.0)

    def _paint_cursor(self, well: Well, *, has_focus: bool) -> None:
        """Frame the current well twice, so that it shows on any colour."""
        self._frame(well, self._paper, width=4.5, grow=1.0)
        self._frame(well, self._ink, width=2.5 if has_focus else 2.0, grow=1.0)

    def _paint_band(self, band: QRectF) -> None:
        wash = QColor(self._ink)
        wash.setAlpha(40)
        self._painter.setPen(QPen(self._ink, 1, Qt.PenStyle.DashLine))
        self._painter.setBrush(wash)
        self._painter.drawRect(band)

    def _well(self, well: Well, *, shrink: float) -> None:
        inset = self._geometry.cell_px * shrink
        box = self._geometry.cell(well).adjusted(inset, inset, -inset, -inset)
        if self._is_round:
            self._painter.drawEllipse(box)
        else:
            self._painter.drawRect(box)

    def _frame(self, well: Well, colour: QColor, *, width: float, grow: float = 0.0) -> None:
        inset = 0.5 - grow
        box = self._geometry.cell(well).adjusted(inset, inset, -inset, -inset)
        pen = QPen(colour, width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        self._painter.setPen(pen)
        self._painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = min(3.0, self._geometry.cell_px / 5)
        self._painter.drawRoundedRect(box, radius, radius)


def mix(first: QColor, second: QColor, *, share: float) -> QColor:
    """Give a colour between two, `share` of the way to the second."""
    return QColor(
        round(first.red() + (second.red() - first.red()) * share),
        round(first.green() + (second.green() - first.green()) * share),
        round(first.blue() + (second.blue() - first.blue()) * share),
    )


def _dot_on(fill: QColor) -> QColor:
    """Give black or white, whichever stands out from a colour."""
    luma = 0.299 * fill.red() + 0.587 * fill.green() + 0.114 * fill.blue()
    return QColor("white") if luma < 128 else QColor("black")


def _shown(count: int, step: int, marked: set[int]) -> list[int]:
    """List the names to paint: every `step`-th, and marked ones in place of their neighbours."""
    regular = range(0, count, step)
    kept = [place for place in regular if all(place == m or abs(place - m) >= step for m in marked)]
    return sorted({*kept, *marked})
