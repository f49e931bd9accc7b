"""Colours of wells by a column of the screen, with the legend that explains them.

Few categories take the Okabe-Ito colours (Okabe and Ito 2008), which colour-blind readers tell
apart; many take evenly spread hues. Numbers take viridis, which is even to the eye and reads
in grey too.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

RGB = tuple[int, int, int]
Key = TypeVar("Key", bound=Hashable)

OKABE_ITO: tuple[RGB, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
)
VIRIDIS: tuple[RGB, ...] = (
    (68, 1, 84),
    (71, 45, 123),
    (59, 82, 139),
    (44, 114, 142),
    (33, 145, 140),
    (40, 174, 128),
    (94, 201, 98),
    (173, 220, 48),
    (253, 231, 37),
)
IMAGED: RGB = (112, 150, 190)
NEUTRAL: RGB = (200, 200, 200)  # lighter than any grey of a purple seen without green cones
_GOLDEN_ANGLE = 0.381966
_LOG_SPAN = 30


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours mean: named categories, or a scale from `low` to `high`."""

    kind: Literal["none", "categories", "scale"] = "none"
    entries: tuple[tuple[str, RGB], ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False


def colour_by_category(
    values: Mapping[Key, str], *, neutral: Collection[str] = ()
) -> tuple[dict[Key, RGB], Legend]:
    """Colour by text; an empty value has no colour, `neutral` ones (controls) share a grey."""
    names = sorted({value for value in values.values() if value}, key=_natural_order)
    told = [name for name in names if name not in neutral]
    colour_of = {name: NEUTRAL for name in names if name in neutral}
    colour_of |= dict(zip(told, _category_colours(len(told)), strict=True))
    fills = {key: colour_of[value] for key, value in values.items() if value}
    return fills, Legend("categories", tuple(colour_of.items()))


def colour_by_number(
    values: Mapping[Key, float], *, is_dose: bool = False
) -> tuple[dict[Key, RGB], Legend]:
    """Colour by number; a value that is not finite has no colour.

    Doses are chosen evenly in their logarithm: over a 30-fold span they are coloured so.
    """
    finite = {key: float(value) for key, value in values.items() if np.isfinite(value)}
    if not finite:
        return {}, Legend()
    low, high = min(finite.values()), max(finite.values())
    is_log = is_dose and low > 0 and high / low >= _LOG_SPAN
    places = np.fromiter(finite.values(), dtype=float)
    if is_log:
        places, start, stop = np.log(places), np.log(low), np.log(high)
    else:
        start, stop = low, high
    spread = stop - start
    shares = (places - start) / spread if spread > 0 else np.full(len(places), 0.5)
    fills = dict(zip(finite, scale_colours(shares), strict=True))
    return fills, Legend("scale", low=low, high=high, is_log=is_log)


def scale_colours(shares: np.ndarray) -> list[RGB]:
    """Give the viridis colours of shares between 0 and 1."""
    stops = np.linspace(0, 1, len(VIRIDIS))
    bands = np.asarray(VIRIDIS, dtype=float)
    mixed = [np.interp(shares, stops, bands[:, band]).round().astype(int) for band in range(3)]
    return [(int(r), int(g), int(b)) for r, g, b in zip(*mixed, strict=True)]


def is_numeric(values: pd.Series) -> bool:
    """Tell whether a column holds numbers rather than names."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _category_colours(n_categories: int) -> list[RGB]:
    if n_categories <= len(OKABE_ITO):
        return list(OKABE_ITO[:n_categories])
    return [_spread_colour(number) for number in range(n_categories)]


def _natural_order(name: str) -> list[tuple[int, str]]:
    """Sort "compound 2" before "compound 10"."""
    pieces = re.split(r"(\d+)", name.lower())
    return [(int(piece) if piece.isdecimal() else 0, piece) for piece in pieces]


def _spread_colour(number: int) -> RGB:
    """Turn the hue by the golden angle and vary the lightness, so that neighbours differ."""
    lightness = (0.62, 0.48, 0.74)[number % 3]
    channels = colorsys.hls_to_rgb((0.55 + number * _GOLDEN_ANGLE) % 1, lightness, 0.62)
    red, green, blue = (round(255 * value) for value in channels)
    return red, green, blue
