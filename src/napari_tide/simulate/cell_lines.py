"""The simulated cell lines: how untreated cells look, and how strongly they respond.

Morphology is in standard units around the average of both lines. U2OS is large and flat; A549 is
smaller, rounder and grows more densely.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.morphology import as_parameters
from napari_tide.simulate.streams import stream

CELL_LINES = ("U2OS", "A549")
CONTEXT_SPREAD = 0.3
STRESS_SENSITIVITY: Mapping[str, float] = {"U2OS": 1.0, "A549": 0.8}

_UNTREATED: Mapping[str, Mapping[str, float]] = {
    "U2OS": {
        "nucleus_size": 0.4,
        "cell_size": 0.6,
        "elongation": 0.3,
        "protrusions": 0.4,
        "actin_fibres": 0.5,
        "golgi": -0.2,
        "mito_intensity": 0.3,
        "nucleoli_size": 0.2,
        "count": -0.2,
    },
    "A549": {
        "nucleus_size": -0.4,
        "cell_size": -0.6,
        "elongation": -0.2,
        "protrusions": -0.4,
        "actin_edge": 0.4,
        "actin_fibres": -0.4,
        "er_intensity": 0.3,
        "vacuoles": 0.2,
        "count": 0.3,
    },
}


def untreated_morphology() -> npt.NDArray[np.float64]:
    """Give the mean morphology of untreated cells, a row per line."""
    return np.stack([as_parameters(_UNTREATED[line]) for line in CELL_LINES])


def draw_contexts(seed: int, n_pathways: int) -> npt.NDArray[np.float64]:
    """Draw how strongly each line answers through each pathway: lognormal, median 1."""
    size = (len(CELL_LINES), n_pathways)
    return stream(seed, "context").lognormal(0.0, CONTEXT_SPREAD, size)
