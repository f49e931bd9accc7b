"""Where wells and their row and column names lie in a widget of some size."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, QRectF

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.well import Well

ROW_NAMES = 24.0
COLUMN_NAMES = 18.0
MARGIN = 2.0
_LABEL_STEPS = (1, 2, 3, 4, 6, 8, 12, 24)


@dataclass(frozen=True, slots=True)
class PlateGeometry:
    """Square cells of `cell_px`, the first one's corner at (`left`, `top`)."""

    format: PlateFormat
    cell_px: float
    left: float
    top: float

    @classmethod
    def fit(cls, format: PlateFormat, width: float, height: float) -> PlateGeometry:
        """Give the largest grid that fits, centred across."""
        across = (width - ROW_NAMES - 2 * MARGIN) / format.columns
        down = (height - COLUMN_NAMES - 2 * MARGIN) / format.rows
        cell = max(min(across, down), 3.0)
        spare = max(width - ROW_NAMES - 2 * MARGIN - cell * format.columns, 0)
        return cls(format, cell, MARGIN + ROW_NAMES + spare / 2, MARGIN + COLUMN_NAMES)

    @staticmethod
    def height_for(format: PlateFormat, width: int) -> int:
        """Give the height at which the grid fills the width."""
        cell = (width - ROW_NAMES - 2 * MARGIN) / format.columns
        return round(cell * format.rows + COLUMN_NAMES + 2 * MARGIN)

    def cell(self, well: Well) -> QRectF:
        """Give a well's square."""
        size = self.cell_px
        return QRectF(self.left + well.column * size, self.top + well.row * size, size, size)

    def well_at(self, position: QPointF) -> Well | None:
        """Give the well whose square holds a point."""
        column = int((position.x() - self.left) // self.cell_px)
        row = int((position.y() - self.top) // self.cell_px)
        well = Well(row, column)
        return well if self.format.contains(well) else None

    def row_name_box(self, row: int) -> QRectF:
        """Give the place of a row's letters, left of the row."""
        top = self.top + row * self.cell_px
        middle = top + self.cell_px / 2
        return QRectF(self.left - ROW_NAMES, middle - 10, ROW_NAMES - 5, 20)

    def column_name_box(self, column: int) -> QRectF:
        """Give the place of a column's number, above the column."""
        middle = self.left + (column + 0.5) * self.cell_px
        return QRectF(middle - 15, self.top - COLUMN_NAMES, 30, COLUMN_NAMES - 3)

    def label_step(self, needed_px: float) -> int:
        """Give the step at which names needing `needed_px` each do not touch."""
        fits = (step for step in _LABEL_STEPS if step * self.cell_px >= needed_px)
        return next(fits, _LABEL_STEPS[-1])
