"""What the colours of the maps mean: kinds with counts that can be hidden, or a scale."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_tide._napari.widgets.legend_view import ScaleBar
from napari_tide.viewmodels.map_colouring import MapLegend
from napari_tide.viewmodels.well_colouring import RGB

_DOT_PX = 12


class MapLegendView(QWidget):
    """Shows a `MapLegend`; a tick taken away hides a kind, a double click leaves it alone."""

    toggled = Signal(str)
    singled_out = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._legend = MapLegend()
        self._kinds = QListWidget(self)
        self._kinds.setToolTip(
            "Untick a kind to hide its points, double-click to hide all others. "
            "Hidden points are left alone by the lasso."
        )
        self._kinds.setAccessibleName("Legend")
        self._kinds.setIconSize(QSize(_DOT_PX, _DOT_PX))
        self._kinds.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._kinds.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._kinds.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._kinds.setMinimumHeight(40)
        self._low, self._high = QLabel(self), QLabel(self)
        self._scale = QWidget(self)
        row = QHBoxLayout(self._scale)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._low)
        row.addWidget(ScaleBar(self._scale), 1)
        row.addWidget(self._high)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._scale)
        column.addWidget(self._kinds, 1)
        column.addStretch(0)
        self._kinds.itemChanged.connect(self._on_ticked)
        self._kinds.itemDoubleClicked.connect(self._on_double_clicked)
        self.set_value(self._legend)

    def value(self) -> MapLegend:
        """Give the legend on show."""
        return self._legend

    @property
    def kinds(self) -> QListWidget:
        """The list of kinds."""
        return self._kinds

    def set_value(self, legend: MapLegend) -> None:
        """Show a legend."""
        self._legend = legend
        self._scale.setVisible(legend.kind == "scale")
        self._low.setText(f"{legend.low:.3g}")
        self._high.setText(f"{legend.high:.3g}{' (log)' if legend.is_log else ''}")
        self._kinds.setVisible(legend.kind == "kinds")
        blocker = QSignalBlocker(self._kinds)
        names = [self._kinds.item(row).data(Qt.ItemDataRole.UserRole) for row in self._rows()]
        if names != [entry.name for entry in legend.entries]:
            self._kinds.clear()
            for entry in legend.entries:
                item = QListWidgetItem(_dot(entry.colour), f"{entry.name}  ({entry.n_points:,})")
                item.setData(Qt.ItemDataRole.UserRole, entry.name)
                item.setToolTip(f"{entry.name}: {entry.n_points:,}")
                self._kinds.addItem(item)
        for row, entry in enumerate(legend.entries):
            item = self._kinds.item(row)
            item.setIcon(_dot(entry.colour))
            item.setText(f"{entry.name}  ({entry.n_points:,})")
            shown = Qt.CheckState.Unchecked if entry.is_hidden else Qt.CheckState.Checked
            item.setCheckState(shown)
        blocker.unblock()

    def _rows(self) -> range:
        return range(self._kinds.count())

    def _on_ticked(self, item: QListWidgetItem) -> None:
        self.toggled.emit(str(item.data(Qt.ItemDataRole.UserRole)))

    def _on_double_clicked(self, item: QListWidgetItem) -> None:
        self.singled_out.emit(str(item.data(Qt.ItemDataRole.UserRole)))


def _dot(colour: RGB) -> QIcon:
    picture = QPixmap(_DOT_PX, _DOT_PX)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(*colour))
    painter.drawEllipse(0, 0, _DOT_PX - 1, _DOT_PX - 1)
    painter.end()
    return QIcon(picture)
