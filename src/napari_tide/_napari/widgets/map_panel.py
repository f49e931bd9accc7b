"""One map with its title; before it is there, what is being done and what to click."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from napari_tide._napari.widgets.scatter_view import ScatterView
from napari_tide.viewmodels.maps import TITLES, MapName, MapsViewModel

_ASKS = {
    "chemistry": ("No student is chosen.", "Choose student…"),
    "codebook": ("No student is chosen.", "Choose student…"),
    "profiles": ("No profiles are open.", "Open profiles…"),
}


class MapPanel(QWidget):
    """A map, or a sentence and a button; what the button does depends on the sentence."""

    opening_asked = Signal(str)
    layout_asked = Signal(str)
    cancel_asked = Signal(str)

    def __init__(self, maps: MapsViewModel, name: MapName, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._maps, self._name = maps, name
        self.view = ScatterView(maps, name, self)
        self.view.setAccessibleName(TITLES[name])
        self.view.setToolTip(
            "Drag to lasso (Shift adds, Alt or Ctrl takes out, Esc clears); click to see the well; "
            "wheel to zoom, middle button to move.\nKeys: arrows, Enter, Space, + and -, Home"
        )
        self._title = QLabel(self)
        self._sentence = QLabel(self)
        self._sentence.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._button = QPushButton(self)
        self._button.setMinimumHeight(28)
        self._button.clicked.connect(self._on_button)
        message = QWidget(self)
        column = QVBoxLayout(message)
        column.setContentsMargins(8, 0, 8, 0)
        column.addStretch(1)
        column.addWidget(self._sentence)
        column.addWidget(self._button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(message)
        self._pages.addWidget(self.view)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(2)
        heading = QHBoxLayout()
        heading.addWidget(self._title, 1)
        page.addLayout(heading)
        page.addWidget(self._pages, 1)
        self.setMinimumSize(150, 190)
        self.refresh()

    def value(self) -> str:
        """Give the sentence on show in place of the map; empty while the map is."""
        return "" if self._pages.currentIndex() else str(self._sentence.text())

    @property
    def button(self) -> QPushButton:
        """The button below the sentence."""
        return self._button

    def refresh(self) -> None:
        """Show the map when it is there, else what to do about it."""
        is_there = self._maps.places(self._name) is not None
        n_points = self._maps.n_points(self._name)
        count = f" · {n_points:,}" if n_points else ""
        self._title.setText(f"<b>{TITLES[self._name]}</b>{count}")
        was_there = bool(self._pages.currentIndex())
        self._pages.setCurrentIndex(1 if is_there else 0)
        if is_there:
            self.view.refresh()
            if not was_there:
                self.view.show_all()
            return
        self.view.refresh()
        sentence, label = self._what_to_do(n_points)
        self._sentence.setText(sentence)
        self._button.setText(label)
        self._button.setToolTip(label.removesuffix("…"))
        self._button.setVisible(bool(label))

    def _what_to_do(self, n_points: int) -> tuple[str, str]:
        status = self._maps.status(self._name)
        if not n_points:
            return _ASKS[self._name]
        if status.kind == "busy":
            return status.text, "Cancel"
        if status.kind == "stopping":
            return status.text, ""
        if status.kind == "failed":
            return f"⚠ {status.text[0].upper()}{status.text[1:]}.", "Try again"
        return f"{n_points:,} points are not laid out yet.", "Lay out"

    def _on_button(self) -> None:
        if not self._maps.n_points(self._name):
            self.opening_asked.emit(self._name)
        elif self._button.text() == "Cancel":
            self.cancel_asked.emit(self._name)
        else:
            self.layout_asked.emit(self._name)
