"""Features instead of pixels: noisy, mixed, batch-shifted measurements of morphology.

They stand for a CellProfiler table. Each parameter is measured by four features; every feature also
picks up a second parameter, bends, and has a plate's own gain and offset.

Shape legend: S sites, M parameters, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.simulate.morphology import CELL_SCATTER, MORPHOLOGY_PARAMETERS
from napari_tide.simulate.streams import stream

PER_PARAMETER = 4
MIXING = 0.35
BEND = 0.1
PLATE_GAIN_SPREAD = 0.1
PLATE_OFFSET_SPREAD = 0.4
MEASUREMENT_NOISE = 1.0
TYPICAL_CELLS = 25

_COMPARTMENTS = {"nucleus": "Nuclei", "nucleoli": "Nuclei", "cell": "Cells", "actin": "Cells"}


def feature_names() -> list[str]:
    """Name the features after the Cytomining convention: compartment first."""
    return [
        f"{_COMPARTMENTS.get(parameter.split('_')[0], 'Cytoplasm')}_{parameter}_{number}"
        for parameter in MORPHOLOGY_PARAMETERS
        for number in range(PER_PARAMETER)
    ]


def measure(
    seed: int, morphology_SM: npt.NDArray[np.float64], plates: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Measure sites (S x F): cells are averaged, then read out with each plate's own bias."""
    n_parameters = len(MORPHOLOGY_PARAMETERS)
    parameter_F = np.repeat(np.arange(n_parameters), PER_PARAMETER)
    random = stream(seed, "features", "read-out")
    second_F = random.integers(0, n_parameters, len(parameter_F))
    weight_F = MIXING * random.standard_normal(len(parameter_F))
    bend_F = BEND * random.standard_normal(len(parameter_F))
    features_SF = np.empty((len(morphology_SM), len(parameter_F)), dtype=np.float32)
    for plate, rows in pd.Series(list(plates)).groupby(list(plates)).indices.items():
        on_plate = stream(seed, "features", "plate", str(plate))
        cells_SM = _average_cells(on_plate, morphology_SM[rows])
        main_SF = cells_SM[:, parameter_F]
        true_SF = main_SF + weight_F * cells_SM[:, second_F] + bend_F * main_SF**2
        gain_F = on_plate.lognormal(0.0, PLATE_GAIN_SPREAD, len(parameter_F))
        offset_F = PLATE_OFFSET_SPREAD * on_plate.standard_normal(len(parameter_F))
        noise_SF = MEASUREMENT_NOISE * on_plate.standard_normal(true_SF.shape)
        features_SF[rows] = np.round(gain_F * true_SF + offset_F + noise_SF, 4)
    return features_SF


def _average_cells(
    random: np.random.Generator, morphology_SM: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    count_S = morphology_SM[:, MORPHOLOGY_PARAMETERS.index("count")]
    n_cells_S = np.clip(np.round(TYPICAL_CELLS * 2 ** (count_S / 2)), 3, 100)
    scatter_SM = CELL_SCATTER * random.standard_normal(morphology_SM.shape)
    return morphology_SM + scatter_SM / np.sqrt(n_cells_S)[:, None]
