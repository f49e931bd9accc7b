"""Where the cells of a field lie: scattered at random, kept apart by their nuclei."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_tide.simulate.phenotype import PIXEL_SIZE_UM, RESPONSES, VALUE_LIMIT

MARGIN_PX = 32
"""Cells are laid out this far beyond the field, so that its border cuts through some."""

COUNT_SD = 0.12
"""Scatter of the number of cells between sites, in the logarithm."""

_EXCLUSION_PX = 34.0
_EXCLUSION_PER_SPACING = 0.7
_STEPS = 8


def mean_cells(density_per_mm2: float, image_px: int) -> float:
    """Give the expected number of cells in a field and its margin."""
    side_mm = (image_px + 2 * MARGIN_PX) * PIXEL_SIZE_UM / 1000.0
    return density_per_mm2 * side_mm**2


def most_cells(image_px: int) -> int:
    """Give the largest number of cells that a field and its margin can get."""
    densest = float(RESPONSES["count"](np.array(4 * VALUE_LIMIT)))
    return int(np.ceil(mean_cells(densest, image_px) * np.exp(3 * COUNT_SD))) + 1


def scatter_centres(
    rng: np.random.Generator, density_per_mm2: float, *, image_px: int
) -> NDArray[np.complex128]:
    """Scatter the centres of one field's cells as ``x + iy`` in pixels.

    Uniform positions are pushed apart in a few steps until nuclei rarely meet; the field keeps the
    gaps and clusters of a real one, which a jittered grid would lose.
    """
    scatter = np.clip(rng.standard_normal(), -3, 3)
    mean = mean_cells(density_per_mm2, image_px) * np.exp(COUNT_SD * scatter)
    n_cells = int(mean + rng.random())
    side = image_px + 2 * MARGIN_PX
    draws = rng.random((most_cells(image_px), 2))[:n_cells] * side
    x, y = draws[:, 0].copy(), draws[:, 1].copy()
    apart = min(_EXCLUSION_PX, _EXCLUSION_PER_SPACING * side / np.sqrt(mean))
    for _ in range(_STEPS):
        dx, dy = x[:, None] - x, y[:, None] - y
        distance = np.sqrt(dx * dx + dy * dy) + 1e-9
        push = 0.45 * np.maximum(apart / distance - 1.0, 0.0)
        np.fill_diagonal(push, 0.0)
        x = np.clip(x + (push * dx).sum(1), 0, side)
        y = np.clip(y + (push * dy).sum(1), 0, side)
    return (x + 1j * y) - (1 + 1j) * MARGIN_PX
