"""Keeps the plate's colours in step with what a student found so far."""

from __future__ import annotations

from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.student_choice import StudentChoice
from napari_tide.viewmodels.well_scores import P_DRUG, score_columns


class PlateScores:
    """Hands the columns of the chosen drug to the plate; a run of the plate shows them."""

    def __init__(self, plate: PlateViewModel, run: PlateRun, choice: StudentChoice) -> None:
        self._plate, self._run, self._choice = plate, run, choice
        self._shows_run = False
        run.results_changed.connect(self._refresh)
        run.run_started.connect(self._on_run)
        choice.changed.connect(self._refresh)
        plate.grid_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        scorer = self._choice.scorer
        if scorer is None:
            self._plate.show_scores([])
            return
        controls = {well: self._plate.control(well) for well in self._plate.wells}
        columns = score_columns(
            self._run.results, scorer, drug=self._choice.drug, controls=controls
        )
        self._plate.show_scores(columns)
        if self._shows_run and any(column.column == P_DRUG for column in columns):
            self._shows_run = False
            self._plate.colour_by(P_DRUG)

    def _on_run(self, scope: str) -> None:
        """Colour by the drug once, so that wells are seen to finish; the user may change it."""
        self._shows_run = scope == "plate"
