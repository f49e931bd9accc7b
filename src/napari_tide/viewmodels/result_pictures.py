"""Pictures of results made without Qt: a drug's probability over a field, and two maps of drugs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from napari_tide.imaging.composite import (
    Picture,
    compose,
    display_limits,
    shrink_to_square,
)

# from dark blue to yellow, as bright as it is high: read the same by the colour-blind
_HEAT = np.array(
    [(0, 32, 77), (62, 76, 110), (124, 123, 120), (188, 175, 111), (255, 234, 70)], np.float32
)
_BACKGROUND, _DOT, _CHOSEN = (24, 26, 32), (130, 150, 175), (255, 190, 60)
_MARGIN_SHARE = 0.06


def overlay_picture(
    planes: Mapping[str, npt.NDArray[np.generic]],
    scores_RC: npt.NDArray[np.floating],
    *,
    side_px: int = 448,
    strength: float = 0.55,
) -> Picture:
    """Lay scores of a field's tiles over its colour composite, beside the composite alone.

    Parameters
    ----------
    planes
        The field's channels by stain.
    scores_RC
        One score in [0, 1] per tile, in rows and columns.
    side_px
        Side of each of the two pictures.
    strength
        How much of the colour a score of 1 covers.
    """
    limits = {name: display_limits(plane) for name, plane in planes.items()}
    small = {name: shrink_to_square(plane, side_px) for name, plane in planes.items()}
    plain = compose(small, limits)
    rows = np.arange(side_px) * scores_RC.shape[0] // side_px
    columns = np.arange(side_px) * scores_RC.shape[1] // side_px
    field = np.clip(np.nan_to_num(scores_RC), 0, 1)[np.ix_(rows, columns)]
    heat = _heat(field)
    share = strength * (0.35 + 0.65 * field)[..., None]
    mixed = plain * (1 - share) + heat * share
    gap = np.full((side_px, 8, 3), 255, np.uint8)
    return np.concatenate([plain, gap, mixed.astype(np.uint8)], axis=1)


def maps_picture(
    first_N2: npt.NDArray[np.floating],
    second_N2: npt.NDArray[np.floating],
    chosen_N: npt.NDArray[np.bool_],
    *,
    side_px: int = 480,
) -> Picture:
    """Draw the same drugs in two maps side by side; chosen ones stand out in both."""
    gap = np.full((side_px, 8, 3), 255, np.uint8)
    maps = [_map(points, chosen_N, side_px) for points in (first_N2, second_N2)]
    return np.concatenate([maps[0], gap, maps[1]], axis=1)


def _heat(share: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    place = share * (len(_HEAT) - 1)
    below = np.minimum(place.astype(int), len(_HEAT) - 2)
    part = (place - below)[..., None]
    mixed: npt.NDArray[np.float32] = _HEAT[below] * (1 - part) + _HEAT[below + 1] * part
    return mixed


def _map(
    points_N2: npt.NDArray[np.floating], chosen_N: npt.NDArray[np.bool_], side_px: int
) -> Picture:
    canvas = np.full((side_px, side_px, 3), _BACKGROUND, np.uint8)
    low, high = points_N2.min(axis=0), points_N2.max(axis=0)
    margin = _MARGIN_SHARE * side_px
    scaled = (points_N2 - low) / np.maximum(high - low, 1e-9)
    places = np.round(margin + scaled * (side_px - 2 * margin)).astype(int)
    for order in (np.flatnonzero(~chosen_N), np.flatnonzero(chosen_N)):
        for point in order:
            is_chosen = bool(chosen_N[point])
            _disc(canvas, places[point], 7 if is_chosen else 4, _CHOSEN if is_chosen else _DOT)
    return canvas


def _disc(
    canvas: Picture,
    place: npt.NDArray[np.integer],
    radius: int,
    colour: tuple[int, int, int],
) -> None:
    side = len(canvas)
    column, row = int(place[0]), side - 1 - int(place[1])
    rows, columns = np.ogrid[:side, :side]
    canvas[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = colour
