"""Transcription: what the 978 landmark genes do when pathways change.

Shape legend: G landmark genes, P pathways, A off-target axes, L lines, N treatments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.direct_chemistry import N_AXES
from napari_tide.simulate.pathways import N_PATHWAYS
from napari_tide.simulate.streams import stream

LOADED_SHARE = 0.1
LOADING = 0.9
REDRAWN_SHARE = 0.3
LIMIT = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class TranscriptionMap:
    """How pathways, leaking direct chemistry and stress change expression (log2).

    Parameters
    ----------
    basal_LG
        Expression of untreated cells.
    pathway_LPG
        One gene in ten answers to a pathway; 30 % of these links are the line's own.
    axis_AG
        The off-target axes' effect, before the leak scales it.
    stress_G
        The stress programme.
    """

    basal_LG: npt.NDArray[np.float64]
    pathway_LPG: npt.NDArray[np.float64]
    axis_AG: npt.NDArray[np.float64]
    stress_G: npt.NDArray[np.float64]


def draw_transcription(seed: int, *, n_lines: int, n_genes: int) -> TranscriptionMap:
    """Draw basal levels and programmes."""
    basal = stream(seed, "transcription", "basal")
    shared_G = np.clip(basal.normal(8.5, 1.8, n_genes), 5.0, 13.0)
    programmes = stream(seed, "transcription", "pathways")
    shared_PG = _sparse(programmes, N_PATHWAYS, n_genes)
    by_line = [_for_one_line(programmes, shared_PG) for _ in range(n_lines)]
    others = stream(seed, "transcription", "others")
    return TranscriptionMap(
        basal_LG=shared_G + basal.normal(0.0, 0.8, (n_lines, n_genes)),
        pathway_LPG=np.stack(by_line),
        axis_AG=_sparse(others, N_AXES, n_genes),
        stress_G=_sparse(others, 1, n_genes)[0],
    )


def limit(change: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Saturate a change of expression smoothly below 2.5 in log2."""
    return LIMIT * np.tanh(change / LIMIT)


def _for_one_line(
    random: np.random.Generator, shared_PG: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    own_PG = _sparse(random, *shared_PG.shape)
    is_own = random.random(shared_PG.shape) < REDRAWN_SHARE
    return np.where(is_own, own_PG, shared_PG)


def _sparse(random: np.random.Generator, n_causes: int, n_genes: int) -> npt.NDArray[np.float64]:
    is_loaded = random.random((n_causes, n_genes)) < LOADED_SHARE
    return np.where(is_loaded, LOADING * random.standard_normal((n_causes, n_genes)), 0.0)
