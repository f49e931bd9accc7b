"""Colour composites of a field's channels, as small RGB pictures made with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from napari_tide.imaging.stain_colours import channel_shares, stain_colours

Picture = npt.NDArray[np.uint8]
Thumbnail = npt.NDArray[np.float32]


def display_limits(
    plane: npt.NDArray[np.generic], *, low: float = 0.5, high: float = 99.8
) -> tuple[float, float]:
    """Give display limits that leave out the darkest and brightest few pixels.

    Percentiles are taken on at most about 250,000 pixels, spread evenly.
    """
    step = max(1, int(np.sqrt(plane.size / 250_000)))
    bottom, top = np.percentile(plane[::step, ::step].astype(np.float32), [low, high])
    if top <= bottom:
        top = bottom + 1
    return float(bottom), float(top)


def shrink_to_square(plane: npt.NDArray[np.generic], size: int) -> Thumbnail:
    """Average blocks of the central square, then pick the nearest block for every pixel."""
    side = min(plane.shape)
    top, left = ((length - side) // 2 for length in plane.shape)
    square = plane[top : top + side, left : left + side].astype(np.float32)
    block = max(1, side // size)
    n_blocks = side // block
    whole = square[: n_blocks * block, : n_blocks * block]
    means = whole.reshape(n_blocks, block, n_blocks, block).mean((1, 3))
    nearest = (np.arange(size) * n_blocks) // size
    picked: Thumbnail = means[np.ix_(nearest, nearest)]
    return picked


def compose(
    thumbnails: Mapping[str, Thumbnail], limits: Mapping[str, tuple[float, ...]]
) -> Picture:
    """Add channels up in their stains' colours, dark at the lower limit and full at the upper."""
    colours = stain_colours(list(thumbnails))
    shares = channel_shares(list(thumbnails))
    light = np.zeros((), np.float32)
    for name, thumbnail in thumbnails.items():
        low, high = limits[name]
        share = np.clip((thumbnail - low) / (high - low), 0, 1)
        light = light + shares[name] * share[..., None] * np.asarray(colours[name], np.float32)
    picture: Picture = np.clip(light, 0, 255).astype(np.uint8)
    return picture
