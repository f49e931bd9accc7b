"""Morphology: 23 parameters of a well's average cell, in standard units.

0 is an untreated cell of the average line, 1 about one standard deviation between cells.

Shape legend: M parameters, P pathways, A off-target axes, G landmark genes, L lines, N treatments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.direct_chemistry import N_AXES
from napari_tide.simulate.pathways import N_PATHWAYS
from napari_tide.simulate.streams import stream

MORPHOLOGY_PARAMETERS: tuple[str, ...] = (
    "nucleus_size",
    "nucleus_eccentricity",
    "nucleus_intensity",
    "nucleus_texture",
    "nucleus_irregularity",
    "nucleoli_size",
    "nucleoli_intensity",
    "cytoplasmic_rna",
    "cell_size",
    "elongation",
    "protrusions",
    "er_intensity",
    "er_texture",
    "er_perinuclear",
    "actin_edge",
    "actin_fibres",
    "golgi",
    "mito_intensity",
    "mito_fragmentation",
    "mito_perinuclear",
    "vacuoles",
    "binucleation",
    "count",
)
CELL_SCATTER = 0.7

N_TOUCHED_BY_PATHWAY = 6
N_TOUCHED_BY_AXIS = 8
REMODELLING = 0.085
REMODELLING_SHARE = 0.05
LINE_SPREAD = 0.2
LIMIT = 4.0

# What dying cells look like, whatever kills them.
_STRESSED: Mapping[str, float] = {
    "nucleus_size": -0.5,
    "nucleus_intensity": 0.6,
    "nucleus_texture": 0.3,
    "nucleus_irregularity": 0.5,
    "cell_size": -0.4,
    "protrusions": -0.4,
    "mito_fragmentation": 0.6,
    "vacuoles": 0.8,
    "count": -1.2,
}


@dataclass(frozen=True, slots=True, eq=False)
class MorphologyMap:
    """How pathways, direct chemistry, transcription and stress change morphology.

    Parameters
    ----------
    pathway_LPM
        Sparse; pathways share parameters, lines differ a little.
    axis_AM
        The off-target axes' effect.
    remodelling_GM
        What changed expression does to morphology: the path through transcription.
    stress_M
        The look of stressed cells.
    """

    pathway_LPM: npt.NDArray[np.float64]
    axis_AM: npt.NDArray[np.float64]
    remodelling_GM: npt.NDArray[np.float64]
    stress_M: npt.NDArray[np.float64]


def as_parameters(values: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """Lay named values out in the order of the parameters, zero where none is named."""
    return np.array([values.get(name, 0.0) for name in MORPHOLOGY_PARAMETERS])


def draw_morphology(seed: int, *, n_lines: int, n_landmarks: int) -> MorphologyMap:
    """Draw which parameters each cause moves."""
    n_parameters = len(MORPHOLOGY_PARAMETERS)
    random = stream(seed, "morphology", "pathways")
    shared_PM = _sparse(random, N_PATHWAYS, n_touched=N_TOUCHED_BY_PATHWAY, low=0.5, high=1.5)
    by_line = random.normal(1.0, LINE_SPREAD, (n_lines, N_PATHWAYS, n_parameters))
    axes = stream(seed, "morphology", "direct chemistry")
    remodel = stream(seed, "morphology", "remodelling")
    is_link = remodel.random((n_landmarks, n_parameters)) < REMODELLING_SHARE
    size = (n_landmarks, n_parameters)
    return MorphologyMap(
        pathway_LPM=shared_PM * by_line,
        axis_AM=_sparse(axes, N_AXES, n_touched=N_TOUCHED_BY_AXIS, low=0.2, high=0.6),
        remodelling_GM=np.where(is_link, REMODELLING * remodel.standard_normal(size), 0.0),
        stress_M=as_parameters(_STRESSED),
    )


def limit(change: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Keep a summed change within what a cell can do: smoothly below 4 standard units."""
    return LIMIT * np.tanh(change / LIMIT)


def _sparse(
    random: np.random.Generator, n_causes: int, *, n_touched: int, low: float, high: float
) -> npt.NDArray[np.float64]:
    weights = np.zeros((n_causes, len(MORPHOLOGY_PARAMETERS)))
    for cause in range(n_causes):
        touched = random.choice(len(MORPHOLOGY_PARAMETERS), n_touched, replace=False)
        sign = random.choice([-1.0, 1.0], n_touched)
        weights[cause, touched] = sign * random.uniform(low, high, n_touched)
    return weights
