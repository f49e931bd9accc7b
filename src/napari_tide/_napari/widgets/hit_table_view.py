"""The table of hits: arrows move, space stars, a click on the star stars."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QSignalBlocker, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_tide._napari.widgets.hit_table_model import HitTableModel
from napari_tide.viewmodels.hit_list_view import HitListView

_WIDEST = 140
_PADDING_PX = 16
_LOOKED_AT = 60  # rows that say how wide a column is
_ROW_PX = 24


class HitTableView(QTableView):
    """A view of a `HitListView`."""

    def __init__(self, hits: HitListView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = hits
        self._model = HitTableModel(hits, self)
        self._is_repainting = False
        self.setModel(self._model)
        self.setAccessibleName("Hits")
        self.setToolTip("Arrow keys move, space stars")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(6 * _ROW_PX)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(26)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self._show_sorting()
        self.setSortingEnabled(True)
        self._model.modelReset.connect(self._on_reset)
        self.clicked.connect(self._on_clicked)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        hits.current_changed.connect(self._show_current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Star the current row with space; all else is the table's own."""
        if event.key() == Qt.Key.Key_Space and self._hits.current is not None:
            self._hits.toggle_star(self._hits.current)
            event.accept()
            return
        super().keyPressEvent(event)

    def _on_clicked(self, index: QModelIndex) -> None:
        position = self._model.position(index)
        if position is not None and index.column() == 0:
            self._hits.toggle_star(position)

    def _on_current(self, index: QModelIndex, before: QModelIndex) -> None:
        del before
        if not self._is_repainting:
            self._hits.choose(self._model.position(index))

    def _on_reset(self) -> None:
        self._show_sorting()
        for column in range(self._model.columnCount()):
            self.setColumnWidth(column, self._width_of(column))
        self._show_current()

    def _width_of(self, column: int) -> int:
        """Give the width of the title and of what stands in the first rows."""
        metrics = self.fontMetrics()
        rows = range(min(self._model.rowCount(), _LOOKED_AT))
        texts = [str(self._model.index(row, column).data()) for row in rows]
        texts.append(self._model.columns[column].title)
        widest = max(int(metrics.horizontalAdvance(text)) for text in texts)
        return min(widest + _PADDING_PX, _WIDEST)

    def _show_sorting(self) -> None:
        column, is_descending = self._hits.sorting
        names = [known.name for known in self._model.columns]
        order = Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder
        header = self.horizontalHeader()
        with QSignalBlocker(header):
            header.setSortIndicator(names.index(column) if column in names else -1, order)

    def _show_current(self) -> None:
        row = self._model.row_of(self._hits.current)
        if row == self.currentIndex().row():
            return
        self._is_repainting = True
        try:
            if row < 0:
                self.clearSelection()
                self.setCurrentIndex(QModelIndex())
            else:
                self.selectRow(row)
                self.scrollTo(self._model.index(row, 1))
        finally:
            self._is_repainting = False
