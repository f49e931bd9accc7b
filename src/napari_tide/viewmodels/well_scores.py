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

if TYPE_CHECKING:
    from napari_tide.inference.drug_scorer import DrugScorer

P_DRUG = "tide:p_drug"
ABOVE_CONTROLS = "tide:above_controls"
TOP_DRUG = "tide:top_drug"
QUALITY = "tide:quality"
FINE = "fine"
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumn:
    """Something a student says about wells: numbers, or words."""

    column: str
    title: str
    values: Mapping[Well, float] | Mapping[Well, str]


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
        columns.append(ScoreColumn(TOP_DRUG, "Most probable drug", top))
    columns.append(ScoreColumn(QUALITY, "Image quality", _quality(results)))
    return columns


def p_drug_of(
    results: PlateResults, scorer: DrugScorer, well: Well, *, drug: int | None
) -> float | None:
    """Give a well's probability of a drug, where it was run."""
    outcome = results.wells.get(well)
    if outcome is None or drug is None:
        return None
    return float(scorer.probability(outcome.placed, drug))


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
    columns = [ScoreColumn(P_DRUG, f"P({name})", probability)]
    p_values = _p_values(cosines, wells, controls)
    if np.isfinite(p_values).any():
        risen = dict(zip(wells, map(float, -np.log10(p_values)), strict=True))
        columns.append(
            ScoreColumn(ABOVE_CONTROLS, f"{name} against DMSO, \N{MINUS SIGN}log₁₀ p", risen)
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
