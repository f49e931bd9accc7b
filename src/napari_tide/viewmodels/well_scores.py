"""Wells by what a student found: columns the plate can be coloured by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.well import Well
from napari_tide.viewmodels.plate_results import PlateResults
from napari_tide.viewmodels.well_colouring import (
    RGB,
    Legend,
    colour_by_category,
    colour_by_number,
)

if TYPE_CHECKING:
    from napari_tide.inference.drug_scorer import DrugScorer

P_DRUG = "tide:p_drug"
ABOVE_CONTROLS = "tide:above_controls"
TOP_DRUG = "tide:top_drug"
QUALITY = "tide:quality"
FINE = "fine"
UNREADABLE = "unreadable"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumn:
    """Something a student says about wells: numbers, or words."""

    column: str
    title: str
    numbers: Mapping[Well, float] | None = None
    words: Mapping[Well, str] | None = None

    def colours(self) -> tuple[dict[Well, RGB], Legend]:
        """Colour the wells that were run."""
        if self.numbers is not None:
            return colour_by_number(self.numbers)
        return colour_by_category(self.words or {}, neutral=(FINE,))

    def describe(self, well: Well) -> str:
        """Say what a tooltip needs to know of a well: its probability, and bad images."""
        if self.column == P_DRUG and self.numbers and well in self.numbers:
            return f"{self.title} {self.numbers[well]:.2f}"
        if self.column == QUALITY and self.words and self.words.get(well, FINE) != FINE:
            return self.words[well]
        return ""


def score_columns(
    results: PlateResults,
    scorer: DrugScorer,
    *,
    drug: int | None,
    controls: Mapping[Well, str],
) -> list[ScoreColumn]:
    """Give the columns there are, the chosen drug's first.

    Parameters
    ----------
    controls
        ``"negcon"``, ``"poscon"`` or nothing, by well.
    """
    if not results.sites:
        return []
    columns: list[ScoreColumn] = []
    if drug is not None and results.wells:
        columns += _of_drug(results, scorer, drug, controls)
    if results.wells:
        top = {well: outcome.top_drug for well, outcome in results.wells.items()}
        columns.append(ScoreColumn(TOP_DRUG, "Most probable drug", words=top))
    columns.append(ScoreColumn(QUALITY, "Image quality", words=_quality(results)))
    return columns


def _of_drug(
    results: PlateResults, scorer: DrugScorer, drug: int, controls: Mapping[Well, str]
) -> list[ScoreColumn]:
    wells = list(results.wells)
    directions = np.stack([results.wells[well].placed.directions for well in wells])
    totals = np.array([results.wells[well].placed.log_totals for well in wells])
    cosines = directions @ scorer.prototypes_KD[drug]
    shares = np.exp(cosines / scorer.temperature - totals)
    name = scorer.drugs[drug]
    probability = dict(zip(wells, map(float, shares), strict=True))
    columns = [ScoreColumn(P_DRUG, f"P({name})", numbers=probability)]
    p_values = _p_values(cosines, wells, controls)
    if np.isfinite(p_values).any():
        risen = dict(zip(wells, map(float, -np.log10(p_values)), strict=True))
        columns.append(
            ScoreColumn(ABOVE_CONTROLS, f"{name} against DMSO, {_MINUS}log₁₀ p", numbers=risen)
        )
    return columns


def _p_values(cosines: np.ndarray, wells: list[Well], controls: Mapping[Well, str]) -> np.ndarray:
    """Compare wells with the plate's negative controls, as the engine does for tables."""
    from napari_tide.inference.against_controls import p_against_controls

    metadata = pd.DataFrame(
        {"Metadata_Plate": "", "Metadata_Control": [controls.get(well, "") for well in wells]}
    )
    profiles = Profiles(metadata, cosines[:, None], ("cosine",), "well")
    return p_against_controls(profiles, cosines)


def _quality(results: PlateResults) -> dict[Well, str]:
    said: dict[Well, set[str]] = {}
    for site in results.sites.values():
        words = said.setdefault(site.well, set())
        words.update([UNREADABLE] if site.error else site.flags)
    return {well: ", ".join(sorted(words)) or FINE for well, words in said.items()}
