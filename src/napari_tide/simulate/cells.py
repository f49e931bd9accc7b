"""The cells of a batch of sites: every quantity that the drawing needs, one row a cell.

Drawn on the host, site by site, from the site's own random numbers: a site's cells depend on its
seed and its morphology alone, whatever else is in the batch and whichever device draws.

Lengths are in pixels, angles in radians, stains in photons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_tide.simulate.layout import most_cells, scatter_centres
from napari_tide.simulate.phenotype import PIXEL_SIZE_UM, RESPONSES, SCATTER_SD

N_CORNERS = 5
N_LOBES = 5
N_NUCLEOLI = 4
MITOTIC_SHARE = 0.025
REACH_LIMITS_PX = (22.0, 78.0)
"""Shortest and longest distance from a cell's centre to its farthest point."""

_CELL_PARAMETERS = tuple(name for name in RESPONSES if name != "count")
_N_NORMALS = len(_CELL_PARAMETERS) + 2 * N_LOBES + 8
_N_UNIFORMS = 10 + 2 * N_CORNERS + 3 * N_NUCLEOLI


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a batch; ``values`` maps a quantity to one number (or a few) for each cell."""

    n_sites: int
    site: NDArray[np.int64]
    values: dict[str, NDArray[np.float64]]


def draw_cells(
    morphology_NP: NDArray[np.float64], *, seeds_N: Sequence[int], image_px: int
) -> Cells:
    """Draw the cells of every site from its morphology and its seed."""
    centres, normals, uniforms = [], [], []
    density_N = RESPONSES["count"](morphology_NP[:, list(RESPONSES).index("count")])
    for seed, density in zip(seeds_N, density_N, strict=True):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 0))))
        centre_K = scatter_centres(rng, float(density), image_px=image_px)
        most = most_cells(image_px)
        centres.append(centre_K)
        normals.append(rng.standard_normal((most, _N_NORMALS))[: len(centre_K)])
        uniforms.append(rng.random((most, _N_UNIFORMS))[: len(centre_K)])
    site_M = np.repeat(np.arange(len(centres)), [len(c) for c in centres])
    return _describe(
        morphology_NP,
        site_M,
        centre_M=np.concatenate(centres),
        normal_MR=np.concatenate(normals),
        uniform_MR=np.concatenate(uniforms),
        image_px=image_px,
    )


class _Draws:
    """Hands out the columns of a block of random numbers, each once."""

    def __init__(self, block_MR: NDArray[np.float64]) -> None:
        self._block, self._next = block_MR, 0

    def take(self, n: int) -> NDArray[np.float64]:
        self._next += n
        assert self._next <= self._block.shape[1]
        return self._block[:, self._next - n : self._next]

    def one(self) -> NDArray[np.float64]:
        return self.take(1)[:, 0]


def _describe(
    morphology_NP: NDArray[np.float64],
    site_M: NDArray[np.int64],
    *,
    centre_M: NDArray[np.complex128],
    normal_MR: NDArray[np.float64],
    uniform_MR: NDArray[np.float64],
    image_px: int,
) -> Cells:
    normals, uniforms = _Draws(normal_MR), _Draws(uniform_MR)
    own = {
        name: response(morphology_NP[site_M, column] + SCATTER_SD * normals.one())
        for column, (name, response) in enumerate(RESPONSES.items())
        if name in _CELL_PARAMETERS
    }
    _condense_mitotic(own, uniforms.one() < MITOTIC_SHARE)
    values = {"x": centre_M.real, "y": centre_M.imag}
    values |= _shape(own, normals, uniforms)
    values |= _nucleoli(own, uniforms)
    values |= _golgi(own, values, uniforms)
    values |= _stains(own, uniforms)
    seen = _reaches_field(values, image_px)
    kept = {name: value[seen] for name, value in values.items()}
    return Cells(len(morphology_NP), site_M[seen], kept)


def _condense_mitotic(own: dict[str, NDArray[np.float64]], mitotic_M: NDArray[np.bool_]) -> None:
    """Round up the dividing cells: a small bright plate of chromatin, no nucleoli, no fibres."""
    factors = {
        "nucleus_size": 0.62, "nucleus_eccentricity": 4.0, "nucleus_intensity": 2.0,
        "nucleoli_intensity": 0.0, "cell_size": 0.72, "elongation": 0.2, "protrusions": 0.15,
        "er_intensity": 1.3, "cytoplasmic_rna": 1.3, "er_perinuclear": 0.3,
        "mito_perinuclear": 0.3, "actin_fibres": 0.1, "golgi": 0.1, "binucleation": 0.0,
    }  # fmt: skip
    for name, factor in factors.items():
        own[name] = np.where(mitotic_M, factor * own[name], own[name])


def _shape(
    own: dict[str, NDArray[np.float64]], normals: _Draws, uniforms: _Draws
) -> dict[str, NDArray[np.float64]]:
    axis = 2 * np.pi * uniforms.one()
    two = (uniforms.one() < own["binucleation"]).astype(np.float64)
    # two nuclei share the volume of one and a half
    radius = own["nucleus_size"] / PIXEL_SIZE_UM * (1.0 - 0.13 * two)
    across = axis + 2 * np.pi * uniforms.one()
    gap = two * radius * 1.12
    corner = (np.arange(N_CORNERS) + 0.8 * (uniforms.take(N_CORNERS) - 0.5)) * 2 * np.pi / N_CORNERS
    length = own["protrusions"][:, None] * 2.2 * uniforms.take(N_CORNERS) ** 1.5
    cell_radius = own["cell_size"] / PIXEL_SIZE_UM
    aspect = 1.0 + own["elongation"]
    reach = 1.15 * cell_radius * np.sqrt(aspect) * (1.0 + length.max(1))
    nuclear_aspect = 1.0 + own["nucleus_eccentricity"]
    around_nuclei = 1.4 * radius * np.sqrt(nuclear_aspect) + gap + 6.0
    return {
        "axis": axis,
        "cos_axis": np.cos(axis),
        "sin_axis": np.sin(axis),
        "nucleus_radius": radius,
        "nucleus_aspect": nuclear_aspect,
        "nucleus_axis": axis + 0.35 * normals.one(),
        "nucleus_lobes": own["nucleus_irregularity"][:, None] * normals.take(2 * N_LOBES),
        "notch": np.maximum(4.0 * own["nucleus_irregularity"] - 0.08, 0.0) * uniforms.one(),
        "notch_angle": 2 * np.pi * uniforms.one(),
        "gap_x": gap * np.cos(across),
        "gap_y": gap * np.sin(across),
        "cell_radius": cell_radius,
        "cell_aspect": aspect,
        "cell_lobes": 0.09 * normals.take(6),
        "corner_angle": axis[:, None] + corner,
        "corner_length": length,
        "reach": np.clip(np.maximum(reach, around_nuclei), *REACH_LIMITS_PX),
    }


def _nucleoli(
    own: dict[str, NDArray[np.float64]], uniforms: _Draws
) -> dict[str, NDArray[np.float64]]:
    """Place up to four nucleoli in the inner part of the nucleus; the first is always there."""
    turn, depth, size = (uniforms.take(N_NUCLEOLI) for _ in range(3))
    radius = own["nucleus_size"][:, None] / PIXEL_SIZE_UM
    angle = 2 * np.pi * (turn[:, :1] + (np.arange(N_NUCLEOLI) + 0.7 * turn) / N_NUCLEOLI)
    away = radius * (0.12 + 0.42 * np.sqrt(depth))
    present = np.where(np.arange(N_NUCLEOLI) == 0, 1.0, (size > 0.3).astype(np.float64))
    spot = own["nucleoli_size"][:, None] / PIXEL_SIZE_UM * (0.65 + 0.6 * size)
    return {
        "nucleolus_x": away * np.cos(angle),
        "nucleolus_y": away * np.sin(angle),
        "nucleolus_sharpness": 1.0 / spot**2,
        "nucleolus_present": present,
        "nucleoli": own["nucleoli_intensity"],
    }


def _golgi(
    own: dict[str, NDArray[np.float64]],
    values: dict[str, NDArray[np.float64]],
    uniforms: _Draws,
) -> dict[str, NDArray[np.float64]]:
    """Put the Golgi beside the nucleus; mitochondria and ER lean to the same side."""
    angle = 2 * np.pi * uniforms.one()
    across = np.arctan2(values["gap_y"], values["gap_x"]) + np.pi / 2
    angle = np.where(values["gap_x"] != 0.0, across, angle)
    away = values["nucleus_radius"] * (1.1 + 0.25 * uniforms.one())
    return {
        "golgi": own["golgi"],
        "golgi_x": away * np.cos(angle),
        "golgi_y": away * np.sin(angle),
        "lean_x": 0.32 * np.cos(angle),
        "lean_y": 0.32 * np.sin(angle),
    }


def _stains(
    own: dict[str, NDArray[np.float64]], uniforms: _Draws
) -> dict[str, NDArray[np.float64]]:
    return {
        "dna": own["nucleus_intensity"],
        "chromatin": own["nucleus_texture"],
        "rna": own["cytoplasmic_rna"] / _mean_profile(np.array(1.2)),
        "er": own["er_intensity"] / _mean_profile(own["er_perinuclear"]),
        "er_texture": own["er_texture"],
        "er_fall": own["er_perinuclear"],
        "edge": own["actin_edge"],
        "fibres": own["actin_fibres"],
        "mito": own["mito_intensity"] / _mean_profile(own["mito_perinuclear"]),
        "mito_fall": own["mito_perinuclear"],
        "dots": own["mito_fragmentation"],
        "vacuoles": own["vacuoles"],
        "texture_u": 256.0 * uniforms.one(),
        "texture_v": 256.0 * uniforms.one(),
    }


def _mean_profile(fall: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average exp(-fall s) over the cytoplasm, so that steepness leaves the total stain alone.

    ``s`` runs from 0 at the nucleus to 1 at the edge; rings grow as ``0.6 + s``, and neighbours
    take most of the outer ones.
    """
    s = (np.arange(16) + 0.5) / 16
    weight = (0.6 + s) * (1.0 - 0.8 * s)
    profile = np.exp(-np.multiply.outer(fall, s))
    mean: NDArray[np.float64] = (profile * weight).sum(-1) / weight.sum()
    return mean


def _reaches_field(values: dict[str, NDArray[np.float64]], image_px: int) -> NDArray[np.bool_]:
    reach, x, y = values["reach"], values["x"], values["y"]
    outside_x = np.maximum(np.maximum(-x, x - image_px), 0.0)
    outside_y = np.maximum(np.maximum(-y, y - image_px), 0.0)
    seen: NDArray[np.bool_] = outside_x**2 + outside_y**2 < reach**2
    return seen
