"""Every cell of the field on show with its own probability of the chosen drug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from psygnal import Signal

from napari_tide.viewmodels.background import Background, CancelToken, Steps, ignore_step
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice

if TYPE_CHECKING:
    from napari_tide.inference.drug_scorer import Placed

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """The cells of a field: their labels and where each lies among the prototypes."""

    place: Place
    student: str
    labels: Labels
    numbers: npt.NDArray[np.int64]
    placed: Placed


class CellOverlay:
    """Cells of the field on show, by labels a user has or by the built-in segmentation."""

    changed = Signal()

    def __init__(self, session: Session, choice: StudentChoice, background: Background) -> None:
        self._session, self._choice, self._background = session, choice, background
        self._is_on, self._is_given = False, False
        self._cells: CellScores | None = None
        self._token = CancelToken()
        self._text = ""
        session.events.place.connect(self._on_place)
        choice.changed.connect(self._on_choice)

    @property
    def is_on(self) -> bool:
        """Whether cells are shown."""
        return self._is_on

    @property
    def cells(self) -> CellScores | None:
        """The cells of the field on show, once they were found."""
        return self._cells

    @property
    def text(self) -> str:
        """Say how many cells there are, or what is under way or wrong."""
        return self._text

    def turn_on(self, labels: Labels | None = None) -> None:
        """Show cells of the field on show, found in the DNA channel unless `labels` are given.

        The built-in segmentation follows from field to field; labels belong to theirs.
        """
        self._is_on, self._is_given = True, labels is not None
        self._find(labels)

    def turn_off(self) -> None:
        """Show no cells."""
        self._is_on = False
        self._clear("")

    def table(self) -> pd.DataFrame:
        """Give a row per cell: ``index``, the probability of the chosen drug, the top drug."""
        cells, scorer, drug = self._cells, self._choice.scorer, self._choice.drug
        if cells is None or scorer is None:
            return pd.DataFrame({"index": []})
        table = pd.DataFrame({"index": cells.numbers})
        if drug is not None:
            name = f"P({scorer.drugs[drug]})"
            table[name] = scorer.probability(cells.placed, drug).round(3)
        every = range(len(cells.numbers))
        top = [scorer.top_drugs(cells.placed[number], 1)[0] for number in every]
        table["most probable drug"] = [f"{name} ({p:.0%})" for name, p in top]
        return table

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Give the probability of the chosen drug, cell by cell."""
        cells, scorer, drug = self._cells, self._choice.scorer, self._choice.drug
        if cells is None or scorer is None or drug is None:
            return np.zeros(0, np.float32)
        return scorer.probability(cells.placed, drug)

    def _find(self, labels: Labels | None) -> None:
        screen, place, bundle = self._session.screen, self._session.place, self._choice.bundle
        if screen is None or place is None or bundle is None or not self._choice.is_ready:
            self._clear(self._choice.unfit or "choose a student first")
            return
        self._clear("finding cells…")
        token = self._token = CancelToken()
        row, student = screen.row_of(place.plate, place.well, place.site), bundle.id

        def work() -> Steps[None, CellScores | None]:
            yield
            if token():
                return None
            engine = self._choice.engine()
            found = engine.embed_cells(row, labels=labels)
            placed = engine.scorer.place(found.cells.embeddings_ND)
            return CellScores(place, student, found.labels, found.cells.labels, placed)

        def done(cells: CellScores | None) -> None:
            if not token() and cells is not None:
                n = len(cells.numbers)
                self._cells = cells
                self._text = f"{n} cell{'' if n == 1 else 's'}" if n else "no cell was found here"
                self.changed.emit()

        def failed(sentence: str) -> None:
            if not token():
                self._clear("")
                self._session.report(sentence)

        self._background.start(
            work, on_step=ignore_step, on_done=done, on_failed=failed, token=token
        )

    def _clear(self, text: str) -> None:
        self._token.cancel()
        self._cells, self._text = None, text
        self.changed.emit()

    def _on_place(self, place: Place) -> None:
        if not self._is_on or (self._cells is not None and self._cells.place == place):
            return
        if self._is_given:
            self._is_on = False
            self._clear("the labels belong to another field; choose Cells again")
        else:
            self._find(None)

    def _on_choice(self) -> None:
        bundle, cells = self._choice.bundle, self._cells
        if cells is not None and (bundle is None or bundle.id != cells.student):
            self._find(cells.labels if self._is_given else None)
            return
        self.changed.emit()
