"""How each hit's effect goes with dose, well by well.

Shapes: n wells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.dose_trend import DoseTrend, DoseTrends
from napari_tide.discovery.hit_list import HitList, HitSource
from napari_tide.discovery.probes import Probes, one_question
from napari_tide.discovery.treatments import treatments_named
from napari_tide.discovery.well_table import WellTable

MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class DoseWells:
    """A compound's wells by dose, each with its own score, and what controls score.

    Parameters
    ----------
    doses_n, scores_n
        Of the compound's wells.
    control_scores
        Of the negative controls on the same plates.
    measure
        What the scores are.
    """

    doses_n: npt.NDArray[np.float64]
    scores_n: npt.NDArray[np.float64]
    control_scores: npt.NDArray[np.float64]
    measure: str


def dose_wells(source: HitSource) -> DoseWells | None:
    """Score a row's compound well by well; nothing where the row is of no compound.

    Where compounds are ranked their wells are compared with what was asked; where genes are, the
    asked compound's wells are compared with the gene.
    """
    search = source.search
    if search.kind == "compound":
        rows, doses = _rows_and_doses(source)
        columns = search.probes.question_Q == source.question
        vectors = search.probes.unit_vectors()[columns].mean(axis=0, keepdims=True)
        measure = search.probes.measure
    else:
        asked = search.probe_treatments[0]
        if asked is None or asked.kind != "compound":
            return None
        doses_of = treatments_named(search.table, "compound", asked.name)
        rows = np.concatenate([dose.rows_n for dose in doses_of])
        doses = np.concatenate([np.full(len(d.rows_n), d.dose_um) for d in doses_of])
        vectors = search.table.rows_ND[source.group[0].rows_n].mean(axis=0, keepdims=True)
        measure = "cosine"
    if not vectors.any():
        return None
    probe = one_question(vectors, measure="projection" if measure == "projection" else "cosine")
    controls = _controls_of(search.table, rows)
    return DoseWells(
        doses,
        _scores(search.table, rows, probe),
        _scores(search.table, controls, probe),
        measure,
    )


def trends_of(hits: HitList, *, seed: int = 0) -> Mapping[int, DoseTrend]:
    """Give the dose trend of the first rows, by rank; rows without three doses have none."""
    trends, found = DoseTrends(seed=seed), {}
    for position, source in enumerate(hits.sources[:MOST_ROWS]):
        wells = dose_wells(source)
        trend = trends.of(wells.doses_n, wells.scores_n) if wells is not None else None
        if trend is not None:
            found[position + 1] = trend
    return found


def _rows_and_doses(
    source: HitSource,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    name = source.group[0].name
    same = [found for found in source.search.treatments if found.name == name]
    doses = [np.full(len(found.rows_n), found.dose_um) for found in same]
    return np.concatenate([found.rows_n for found in same]), np.concatenate(doses)


def _controls_of(table: WellTable, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    plates = set(table.wells["plate"].iloc[rows])
    on_plates = table.wells["plate"].isin(plates).to_numpy()
    return np.flatnonzero(table.is_control & on_plates)


def _scores(
    table: WellTable, rows: npt.NDArray[np.int64], probe: Probes
) -> npt.NDArray[np.float64]:
    return probe.scores(table.rows_ND[rows])[:, 0]
