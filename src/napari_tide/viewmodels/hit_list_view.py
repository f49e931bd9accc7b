"""A hit list as it is looked at: its order, what is left out, what is starred, the current row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_tide.discovery.hit_table import write_hits
from napari_tide.viewmodels.hit_notes import HitNotes
from napari_tide.viewmodels.hit_rows import HitRows, Positions


class HitListView:
    """Rows in the order a user wants them.

    Rows are named by their position in the list, which sorting does not change.
    """

    changed = Signal()
    notes_changed = Signal()
    current_changed = Signal()

    def __init__(self) -> None:
        self._rows = HitRows.empty()
        self._notes = HitNotes()
        self._stars: npt.NDArray[np.bool_] = np.zeros(0, bool)
        self._sort, self._is_descending = "rank", False
        self._min_score, self._is_starred_only = 0.0, False
        self._current: int | None = None
        self._shown: Positions = np.zeros(0, np.int64)

    @property
    def rows(self) -> HitRows:
        """The whole list."""
        return self._rows

    @property
    def shown(self) -> Positions:
        """The rows on show, in order."""
        return self._shown

    @property
    def notes(self) -> HitNotes:
        """Stars and notes."""
        return self._notes

    @property
    def current(self) -> int | None:
        """The row that is looked at."""
        return self._current

    @property
    def sorting(self) -> tuple[str, bool]:
        """The column rows are sorted by, and whether downwards."""
        return self._sort, self._is_descending

    @property
    def min_score(self) -> float:
        """Rows with a smaller score, either way, are left out."""
        return self._min_score

    @property
    def is_starred_only(self) -> bool:
        """Whether only starred rows are on show."""
        return self._is_starred_only

    @property
    def n_starred(self) -> int:
        """How many rows of this list are starred."""
        return int(self._stars.sum())

    def show(self, rows: HitRows) -> None:
        """Look at another list, from its best row on."""
        self._rows, self._current = rows, None
        self._sort, self._is_descending = "rank", False
        self._stars = rows.starred(self._notes.stars)
        self._arrange()
        self.current_changed.emit()

    def sort(self, column: str, *, is_descending: bool) -> None:
        """Sort by a column."""
        if (column, is_descending) != (self._sort, self._is_descending):
            self._sort, self._is_descending = column, is_descending
            self._arrange()

    def keep_scores_from(self, size: float) -> None:
        """Leave out rows whose score is smaller, either way."""
        if size != self._min_score:
            self._min_score = size
            self._arrange()

    def show_starred_only(self, is_on: bool, /) -> None:  # noqa: FBT001 - connected to a check box
        """Leave out what is not starred, or show everything again."""
        if is_on != self._is_starred_only:
            self._is_starred_only = is_on
            self._arrange()

    def is_starred(self, position: int) -> bool:
        """Tell whether a row is starred."""
        return bool(self._stars[position])

    def note(self, position: int) -> str:
        """Give the note on a row."""
        return self._notes.notes.get(self._rows.key(position), "")

    def use_notes(self, notes: HitNotes) -> None:
        """Take stars and notes that were kept."""
        self._notes = notes
        self._stars = self._rows.starred(notes.stars)
        self._arrange()
        self.current_changed.emit()

    def star(self, position: int, *, is_starred: bool) -> None:
        """Star a row, or take its star away; it stays where it is until the next sort."""
        key = self._rows.key(position)
        self._notes = self._notes.with_star(key, is_starred=is_starred)
        self._stars[list(self._rows.positions[key])] = is_starred
        self.notes_changed.emit()

    def toggle_star(self, position: int) -> None:
        """Star a row that is not, or the other way round."""
        self.star(position, is_starred=not self.is_starred(position))

    def write_note(self, position: int, text: str) -> None:
        """Put a note on a row."""
        if text.strip() != self.note(position):
            self._notes = self._notes.with_note(self._rows.key(position), text)
            self.notes_changed.emit()

    def choose(self, position: int | None) -> None:
        """Look at a row."""
        if position != self._current:
            self._current = position
            self.current_changed.emit()

    def export(self, path: Path, *, starred_only: bool) -> int:
        """Write the rows on show, in their order, or only the starred of them; give how many.

        Raises
        ------
        OutputWriteError
            The file cannot be written.
        """
        kept = self._shown[self._stars[self._shown]] if starred_only else self._shown
        write_hits(self._rows.table.iloc[kept], path)
        return len(kept)

    def _arrange(self) -> None:
        among = self._stars if self._is_starred_only else None
        kept = self._rows.keep(min_size=self._min_score, among=among)
        self._shown = self._rows.arrange(
            kept, self._sort, is_descending=self._is_descending, stars=self._stars
        )
        self.changed.emit()
