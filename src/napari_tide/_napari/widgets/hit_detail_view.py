"""The hit that is looked at: its structure, what speaks for it, and the user's note."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from napari_tide._napari.widgets.structure_view import StructureView
from napari_tide.viewmodels.hit_facts import facts_of, title_of
from napari_tide.viewmodels.hits import HitsViewModel

_HINT = "Click a row to see its structure and show its wells"


class HitDetailView(QWidget):
    """A view of the current hit; writes the note back when it is finished."""

    def __init__(self, hits: HitsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = hits
        self._position: int | None = None
        self._title = QLabel(self)
        self._title.setWordWrap(True)
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._structure = StructureView(self)
        self._facts = QLabel(self)
        self._facts.setWordWrap(True)
        self._facts.setTextFormat(Qt.TextFormat.RichText)
        self._facts.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._note = QLineEdit(self)
        self._note.setPlaceholderText("Note on this hit")
        self._note.setToolTip("A note on this compound and gene; it is kept with the screen")
        self._note.setAccessibleName("Note on this hit")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._facts, 1)
        row.addWidget(self._structure, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addLayout(row)
        column.addWidget(self._note)
        self._note.editingFinished.connect(self._keep_note)
        hits.list.current_changed.connect(self.refresh)
        self.refresh()

    def value(self) -> str:
        """Give the facts on show, as text."""
        return str(self._facts.text())

    @property
    def structure(self) -> StructureView:
        """The drawing."""
        return self._structure

    @property
    def note(self) -> QLineEdit:
        """The line for a note."""
        return self._note

    def refresh(self) -> None:
        """Show the hit that is looked at now."""
        self._keep_note()
        rows, position = self._hits.list.rows, self._hits.list.current
        self._position = position
        self._note.setVisible(position is not None)
        self._facts.setVisible(position is not None)
        if position is None:
            self._title.setText(_HINT)
            self._structure.set_value("")
            return
        story = self._hits.story
        trend = story.trends.get(int(float(rows.value(position, "rank")))) if story else None
        facts = facts_of(rows, position, trend)
        self._title.setText(f"<b>{escape(title_of(rows, position))}</b>")
        self._facts.setText(
            "".join(
                f"<p style='margin: 0 0 3px 0'><b>{escape(name)}</b> {escape(text)}</p>"
                for name, text in facts
            )
        )
        self._structure.set_value(str(rows.value(position, "smiles")))
        self._note.setText(self._hits.list.note(position))

    def _keep_note(self) -> None:
        if self._position is not None and self._position < len(self._hits.list.rows):
            self._hits.list.write_note(self._position, self._note.text())
