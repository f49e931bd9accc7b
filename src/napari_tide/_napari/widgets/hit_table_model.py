"""The hit list as Qt's tables ask for it; sorting is numpy's.

Qt's own proxy needs 7 s to sort 100 000 rows, this one 20 ms.
"""

from __future__ import annotations

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from napari_tide.discovery.hit_table import NUMBERS, WHOLE_NUMBERS
from napari_tide.viewmodels.hit_list_view import HitListView
from napari_tide.viewmodels.hit_rows import STAR, HitColumn

_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)
_STARRED, _PLAIN = "★", "☆"


class HitTableModel(QAbstractTableModel):
    """Shows a `HitListView`, row by row in its order."""

    def __init__(self, hits: HitListView, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hits = hits
        hits.changed.connect(self._on_changed)
        hits.notes_changed.connect(self._on_starred)

    @property
    def columns(self) -> tuple[HitColumn, ...]:
        """The columns on show."""
        return self._hits.rows.columns

    def position(self, index: QModelIndex) -> int | None:
        """Say which row of the list stands at an index."""
        return int(self._hits.shown[index.row()]) if index.isValid() else None

    def row_of(self, position: int | None) -> int:
        """Say where a row of the list stands now; -1 where it is left out."""
        if position is None:
            return -1
        found = (self._hits.shown == position).nonzero()[0]
        return int(found[0]) if len(found) else -1

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Count the rows on show."""
        return 0 if parent.isValid() else len(self._hits.shown)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 - as Qt has it
        """Count the columns on show."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | int | None:
        """Give one cell."""
        position = self.position(index)
        if position is None:
            return None
        name = self.columns[index.column()].name
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(name)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(position, name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(position, name)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | int | None:
        """Give a column's title, or what it means."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _LEFT if _alignment(column.name) is None else _CENTRE
        texts = {
            int(Qt.ItemDataRole.DisplayRole): column.title,
            int(Qt.ItemDataRole.ToolTipRole): column.help_text,
        }
        return texts.get(int(role))

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column."""
        if 0 <= column < len(self.columns):
            is_descending = order == Qt.SortOrder.DescendingOrder
            self._hits.sort(self.columns[column].name, is_descending=is_descending)

    def _text(self, position: int, name: str) -> str:
        if name == STAR.name:
            return _STARRED if self._hits.is_starred(position) else _PLAIN
        return self._hits.rows.text(position, name)

    def _tip(self, position: int, name: str) -> str:
        if name == STAR.name:
            return STAR.help_text
        return self._hits.note(position) or self._hits.rows.text(position, name)

    def _on_changed(self) -> None:
        self.beginResetModel()
        self.endResetModel()

    def _on_starred(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 0))


def _alignment(name: str) -> int | None:
    if name == STAR.name:
        return _CENTRE
    return _RIGHT if name in (*NUMBERS, *WHOLE_NUMBERS) else None
