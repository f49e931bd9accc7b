"""A drop-down of drugs that is searched by typing any part of a name."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QCompleter, QSizePolicy, QWidget

_MOST_SHOWN = 12


class DrugChooser(QComboBox):
    """Emits ``value_changed`` with a drug the user picked; what is no drug is put back."""

    value_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setMaxVisibleItems(_MOST_SHOWN)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(8)
        self.setToolTip("The drug to look for; type any part of its name")
        self.setAccessibleName("Drug")
        self.lineEdit().setPlaceholderText("Type to search…")
        completer: QCompleter = self.completer()
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.textActivated.connect(self._on_chosen)
        self.lineEdit().editingFinished.connect(self._on_edited)
        self._value = ""

    def value(self) -> str:
        """Give the drug on show."""
        return self._value

    def set_value(self, name: str, *, names: Sequence[str]) -> None:
        """Show a drug among those to choose from."""
        with QSignalBlocker(self):
            if tuple(names) != self._names:
                self._names = tuple(names)
                self.clear()
                self.addItems(list(names))
            self._value = name
            self.setCurrentIndex(self.findText(name) if name else -1)
            if name not in self._names:
                self.setEditText("")

    def _on_chosen(self, name: str) -> None:
        if name in self._names and name != self._value:
            self._value = name
            self.value_changed.emit(name)

    def _on_edited(self) -> None:
        typed = self.lineEdit().text().strip().lower()
        found = [name for name in self._names if name.lower() == typed]
        if found:
            self._on_chosen(found[0])
        with QSignalBlocker(self):
            self.setEditText(self._value)
