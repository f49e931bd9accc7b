"""The bank of textures: periodic tiles of filtered noise that cells sample in their own frame.

Made once, in float64, from a fixed seed: random numbers do not depend on the processor, and the
Fourier transforms agree to rounding. A tile is `TILE` texels wide at `TEXELS_PER_PX` texels a
pixel, finer than the optics resolve, so the nearest texel is good enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

TILE = 512
TEXELS_PER_PX = 2

_SEED = 20_260
_N_VACUOLES = 420


@lru_cache(maxsize=1)
def texture_bank() -> Mapping[str, NDArray[np.float64]]:
    """Make every tile; signed ones have mean 0 and sd 1, the others lie between 0 and 1."""
    rng = np.random.Generator(np.random.PCG64(_SEED))
    warp = [2.5 * TEXELS_PER_PX * _noise(rng, coarse_px=14, fine_px=7) for _ in range(2)]
    return {
        "chromatin": _standard(
            _noise(rng, coarse_px=8, fine_px=1.8) + 0.45 * _noise(rng, coarse_px=2.4, fine_px=0.9)
        ),
        "meshwork": _standard(
            -np.abs(_noise(rng, coarse_px=4.5, fine_px=1.6))
            + 0.35 * _noise(rng, coarse_px=16, fine_px=6)
        ),
        "filaments": _filaments(rng),
        "dots": _dots(rng),
        "fibres": _fibres(rng, warp),
        "grain": _noise(rng, coarse_px=3.0, fine_px=0.9),
        "clouds": _noise(rng, coarse_px=22, fine_px=8),
        "vacuoles": _vacuoles(rng),
    }


def _standard(tile: NDArray[np.float64]) -> NDArray[np.float64]:
    standard: NDArray[np.float64] = (tile - tile.mean()) / tile.std()
    return standard


def _noise(
    rng: np.random.Generator, *, coarse_px: float, fine_px: float, stretch: float = 1.0
) -> NDArray[np.float64]:
    """White noise less what is coarser or finer than two Gaussian widths, stretched along rows."""
    v, u = np.meshgrid(np.fft.fftfreq(TILE), np.fft.rfftfreq(TILE), indexing="ij")
    squared = ((u * stretch) ** 2 + v**2) * (2 * np.pi * TEXELS_PER_PX) ** 2 / 2
    keep = np.exp(-squared * fine_px**2) - np.exp(-squared * coarse_px**2)
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
    return _standard(np.fft.irfft2(spectrum * keep, s=(TILE, TILE)))


def _filaments(rng: np.random.Generator) -> NDArray[np.float64]:
    """Tubes where two noises cross zero, broken where a third is low."""
    tubes = np.zeros((TILE, TILE))
    for _ in range(3):
        across = _noise(rng, coarse_px=7, fine_px=2.1)
        broken = 1 / (1 + np.exp(-4.0 * (_noise(rng, coarse_px=9, fine_px=2.4) - 0.1)))
        tubes = np.maximum(tubes, np.exp(-((across / 0.24) ** 2)) * broken)
    brightest: float = tubes.max()
    return tubes / brightest


def _dots(rng: np.random.Generator) -> NDArray[np.float64]:
    """Round spots a little wider than the optics, in loose clusters."""
    peaks = np.maximum(_noise(rng, coarse_px=3.2, fine_px=1.5) - 0.45, 0.0)
    clusters = 1 / (1 + np.exp(-2.0 * (_noise(rng, coarse_px=14, fine_px=4.0) + 0.6)))
    return np.minimum(peaks * clusters / 1.1, 1.0)


def _fibres(rng: np.random.Generator, warp: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bundles along the rows, bent by a slow warp, present in some bands only."""
    straight = np.maximum(_noise(rng, coarse_px=3.4, fine_px=0.8, stretch=16.0) - 0.35, 0.0)
    bands = 1 / (1 + np.exp(-2.5 * (_noise(rng, coarse_px=18, fine_px=6.0, stretch=2.5) + 0.3)))
    row, column = np.indices((TILE, TILE))
    bent_row = (row + np.round(warp[0]).astype(np.int64)) % TILE
    bent_column = (column + np.round(warp[1]).astype(np.int64)) % TILE
    bent = straight[bent_row, bent_column] * bands
    capped: NDArray[np.float64] = np.minimum(bent / 2.0, 1.0)
    return capped


def _vacuoles(rng: np.random.Generator) -> NDArray[np.float64]:
    """Discs, each with its own rank: a cell shows those ranked above a limit.

    A texel holds the largest rank over it, less at a disc's rim, so a lower limit brings both more
    vacuoles and wider ones.
    """
    tile = np.zeros((TILE, TILE))
    centre = rng.random((_N_VACUOLES, 2)) * TILE
    radius = TEXELS_PER_PX * (1.7 + 2.6 * rng.random(_N_VACUOLES) ** 2)
    rank = rng.random(_N_VACUOLES)
    texel = np.arange(TILE) + 0.5
    for (cy, cx), r, top in zip(centre, radius, rank, strict=True):
        dy, dx = (np.abs((texel - c + TILE / 2) % TILE - TILE / 2) for c in (cy, cx))
        inside = (dy[:, None] ** 2 + dx[None, :] ** 2) / r**2
        np.maximum(tile, np.where(inside < 1.6, top - 0.25 * inside**2, 0.0), out=tile)
    return np.maximum(tile, 0.0)
