"""What moves morphology although no treatment does: batch, plate, position, density, chance.

Shape legend: S sites, M parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.simulate.imaged_sites import plates_of
from napari_tide.simulate.morphology import MORPHOLOGY_PARAMETERS, as_parameters
from napari_tide.simulate.streams import stream

BATCH_SPREAD = 0.15
PLATE_SPREAD = 0.15
GRADIENT_SPREAD = 0.12
WELL_SPREAD = 0.6
SITE_SPREAD = 0.1
DENSITY_SPREAD = 0.8
LOCAL_DENSITY_SPREAD = 0.3

# Medium evaporates from the outer ring: fewer, larger cells.
_AT_EDGE: Mapping[str, float] = {"count": -0.4, "cell_size": 0.2, "nucleus_size": 0.1}

# Crowded cells are smaller, rounder and keep their organelles close to the nucleus.
_CROWDED: Mapping[str, float] = {
    "count": 1.0,
    "cell_size": -0.35,
    "nucleus_size": -0.15,
    "elongation": -0.1,
    "protrusions": -0.2,
    "er_perinuclear": 0.1,
    "mito_perinuclear": 0.15,
}


def draw_nuisance(
    seed: int, sites: pd.DataFrame, plate_format: PlateFormat
) -> npt.NDArray[np.float64]:
    """Draw every site's change of morphology (S x M) that no treatment explains.

    Parameters
    ----------
    seed
        The world's.
    sites
        ``plate, batch, row, column, site``, sorted by plate and well.
    plate_format
        The grid, for edges and gradients.
    """
    nuisance_SM = np.zeros((len(sites), len(MORPHOLOGY_PARAMETERS)))
    for plate, batch, rows in plates_of(sites):
        in_batch = stream(seed, "nuisance", "batch", batch)
        shift_M = BATCH_SPREAD * in_batch.standard_normal(len(MORPHOLOGY_PARAMETERS))
        own_SM = _on_plate(stream(seed, "nuisance", "plate", plate), sites.iloc[rows], plate_format)
        nuisance_SM[rows] = shift_M + own_SM
    return nuisance_SM


def _on_plate(
    random: np.random.Generator, sites: pd.DataFrame, plate_format: PlateFormat
) -> npt.NDArray[np.float64]:
    n_parameters = len(MORPHOLOGY_PARAMETERS)
    row, column = sites["row"].to_numpy(np.int64), sites["column"].to_numpy(np.int64)
    across = 2 * row / (plate_format.rows - 1) - 1
    along = 2 * column / (plate_format.columns - 1) - 1
    is_edge = (np.isin(row, (0, plate_format.rows - 1))) | (
        np.isin(column, (0, plate_format.columns - 1))
    )
    well = row * plate_format.columns + column
    plate_M = PLATE_SPREAD * random.standard_normal(n_parameters)
    gradient_2M = GRADIENT_SPREAD * random.standard_normal((2, n_parameters))
    well_WM = WELL_SPREAD * random.standard_normal((plate_format.n_wells, n_parameters))
    density_W = DENSITY_SPREAD * random.standard_normal(plate_format.n_wells)
    local = random.standard_normal((len(sites), n_parameters + 1))
    density_S = density_W[well] + LOCAL_DENSITY_SPREAD * local[:, 0]
    change_SM: npt.NDArray[np.float64] = (
        plate_M
        + np.stack([across, along], axis=1) @ gradient_2M
        + np.outer(is_edge * random.uniform(0.5, 1.5), as_parameters(_AT_EDGE))
        + np.outer(density_S, as_parameters(_CROWDED))
        + well_WM[well]
        + SITE_SPREAD * local[:, 1:]
    )
    return change_SM
