"""The question line of the Hits dock: what kind, about what, in which direction, among what."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, QStringListModel, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_tide.viewmodels.hit_question import DIRECTIONS, KIND_CHOICES, Direction
from napari_tide.viewmodels.hits import HitsViewModel

_SIGNATURES = "Signatures (*.gct *.gctx *.h5 *.csv *.tsv *.txt *.gz *.parquet);;All files (*)"


class HitQueryView(QWidget):
    """A view of the viewmodel's question; emits ``asked`` when it is to be answered."""

    asked = Signal()

    def __init__(self, hits: HitsViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hits = hits
        self._build_controls()
        self._build_layout()
        self._connect()
        self.refresh()

    @property
    def text(self) -> QLineEdit:
        """The line for a name, a structure or a file."""
        return self._text

    def focus_query(self) -> None:
        """Put the cursor into the question."""
        self._text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._text.selectAll()

    def refresh(self) -> None:
        """Show the question as the viewmodel has it."""
        question, choice = self._hits.question, self._hits.question.choice
        inputs = (self._kind, self._direction, self._within, self._text, self._sample)
        blockers = [QSignalBlocker(widget) for widget in inputs]
        self._kind.setCurrentIndex(self._kind.findData(question.kind))
        self._kind.setToolTip(choice.help_text)
        self._direction.setCurrentIndex(self._direction.findData(question.direction))
        self._within.setChecked(question.is_within_selection)
        if self._text.text() != question.text:
            self._text.setText(question.text)
        if self._sample.text() != question.sample:
            self._sample.setText(question.sample)
        for blocker in blockers:
            blocker.unblock()
        self._text.setEnabled(choice.takes_text)
        self._text.setPlaceholderText(choice.hint)
        is_file = question.kind == "signature"
        self._browse.setVisible(is_file)
        self._sample.setVisible(is_file)
        self.refresh_selection()

    def refresh_selection(self) -> None:
        """Show how many wells are selected."""
        count = self._hits.n_selected
        self._within.setText(f"Within selection ({count})" if count else "Within selection")
        self._within.setEnabled(self._hits.question.kind != "wells")
        if self._hits.question.kind == "wells":
            wells = f"{count} well{'s' if count != 1 else ''} selected"
            hint = self._hits.question.choice.hint
            self._text.setPlaceholderText(wells if count else hint)

    def _build_controls(self) -> None:
        self._kind = QComboBox(self)
        self._kind.setAccessibleName("Kind of question")
        for choice in KIND_CHOICES:
            self._kind.addItem(choice.title, choice.kind)
            self._kind.setItemData(
                self._kind.count() - 1, choice.help_text, Qt.ItemDataRole.ToolTipRole
            )
        self._text = QLineEdit(self)
        self._text.setClearButtonEnabled(True)
        self._text.setToolTip("What to ask about; Enter searches (Ctrl+F comes back here)")
        self._text.setAccessibleName("What to ask about")
        self._names = QStringListModel(self)
        completer = QCompleter(self._names, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._text.setCompleter(completer)
        self._browse = QPushButton("File…", self)
        self._browse.setToolTip("Choose the signature's file (GCT, GCTX or a table)")
        self._search = QPushButton("Search", self)
        self._search.setToolTip("Rank what acts like this, with p and q values")
        self._sample = QLineEdit(self)
        self._sample.setPlaceholderText("which signature, if the file holds several")
        self._sample.setToolTip("The id of one signature of the file")
        self._sample.setAccessibleName("Which signature")
        self._direction = QComboBox(self)
        self._direction.setAccessibleName("Direction")
        for direction, title in DIRECTIONS.items():
            self._direction.addItem(title, direction)
        self._direction.setToolTip(
            "Matches act alike, anti-matches do the opposite; both ranks by size"
        )
        self._within = QCheckBox(self)
        self._within.setToolTip(
            "Rank only compounds and genes that have a selected well; all their wells count"
        )
        for button in (self._browse, self._search):
            button.setMinimumHeight(28)
            button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def _build_layout(self) -> None:
        options, line = QHBoxLayout(), QHBoxLayout()
        options.addWidget(self._kind, 3)
        options.addWidget(self._direction, 2)
        line.addWidget(self._text, 1)
        line.addWidget(self._browse)
        line.addWidget(self._search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(options)
        column.addLayout(line)
        column.addWidget(self._sample)
        column.addWidget(self._within)

    def _connect(self) -> None:
        self._kind.activated.connect(self._on_kind)
        self._direction.activated.connect(self._on_direction)
        self._within.toggled.connect(self._on_within)
        self._text.textChanged.connect(self._on_text)
        self._text.textEdited.connect(self._on_typed)
        self._text.returnPressed.connect(self.asked)
        self._sample.textChanged.connect(self._on_sample)
        self._sample.returnPressed.connect(self.asked)
        self._search.clicked.connect(self.asked)
        self._browse.clicked.connect(self._choose_file)
        self._hits.question_changed.connect(self.refresh)
        self._hits.selection_changed.connect(self.refresh_selection)

    def _edit(self, **changes: str | bool) -> None:
        self._hits.edit(self._hits.question.model_copy(update=changes))

    def _on_kind(self, index: int) -> None:
        kind = self._kind.itemData(index)
        keeps = {"compound", "similar"} >= {kind, self._hits.question.kind}
        self._edit(kind=kind, text=self._hits.question.text if keeps else "")
        if self._text.isEnabled():
            self.focus_query()

    def _on_direction(self, index: int) -> None:
        direction: Direction = self._direction.itemData(index)
        self._edit(direction=direction)

    def _on_within(self, is_on: bool) -> None:  # noqa: FBT001 - Qt's signal
        self._edit(is_within_selection=is_on)

    def _on_text(self, text: str) -> None:
        self._edit(text=text)

    def _on_typed(self, text: str) -> None:
        self._names.setStringList(self._hits.names.complete(text, self._hits.question.kind))

    def _on_sample(self, text: str) -> None:
        self._edit(sample=text)

    def _choose_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, "Open a signature", "", _SIGNATURES)
        if file:
            self._edit(text=file)
