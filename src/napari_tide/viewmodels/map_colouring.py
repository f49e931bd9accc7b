"""Colours of map points, the same on every map, and the legend that counts them.

The seven most frequent kinds take the Okabe-Ito colours, which colour-blind readers tell apart; the
rest share one grey, since no eighth colour would still be told from the others. Numbers take
viridis. Kinds can be hidden; hidden points are not there for the pointer and the lasso either.

Shapes: N points of one map.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.viewmodels.lasso import Mask
from napari_tide.viewmodels.well_colouring import NEUTRAL, OKABE_ITO, RGB, scale_colours

OTHER = "other"
UNKNOWN = "not known"
CONTROL = "negative control"
OTHER_GREY: RGB = (115, 115, 122)
UNKNOWN_GREY: RGB = (180, 180, 188)
_PLAIN: RGB = (86, 180, 233)
_N_SHADES = 64
_LOG_SPAN = 30

Colours = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One kind of points: its colour, how many there are, and whether they are on show."""

    name: str
    colour: RGB
    n_points: int
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class MapLegend:
    """What the colours mean: kinds with counts, or a scale."""

    kind: Literal["none", "kinds", "scale"] = "none"
    entries: tuple[LegendEntry, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False


@dataclass(frozen=True, eq=False)
class PointColours:
    """The colour of every point as a number in a short palette, and which points are on show."""

    palette: tuple[RGB, ...]
    code_N: npt.NDArray[np.int32]
    visible_N: Mask

    def rgb(self) -> Colours:
        """Give the colour of each point, N x 3."""
        colours: Colours = np.asarray(self.palette, dtype=np.uint8)[self.code_N]
        return colours


def plain_colours(n_points: int) -> PointColours:
    """Colour all points alike."""
    code = np.zeros(n_points, dtype=np.int32)
    return PointColours((_PLAIN,), code, np.ones(n_points, dtype=bool))


@dataclass(frozen=True)
class KindColouring:
    """Colours of kinds, given by how often they occur."""

    told_apart: tuple[str, ...]
    n_other_kinds: int

    @classmethod
    def of(cls, values: Sequence[str]) -> KindColouring:
        """Choose the kinds that get a colour of their own: the most frequent ones."""
        counted = Counter(value for value in values if value and value != CONTROL)
        ranked = sorted(counted, key=lambda name: (-counted[name], name.casefold()))
        n_told = len(OKABE_ITO) if len(ranked) > len(OKABE_ITO) else len(ranked)
        return cls(tuple(ranked[:n_told]), len(ranked) - n_told)

    @property
    def names(self) -> tuple[str, ...]:
        """The entries of the legend, in its order."""
        return (*self.told_apart, OTHER, CONTROL, UNKNOWN)

    def colours(self, values: Sequence[str], *, hidden: Collection[str] = ()) -> PointColours:
        """Colour points by their kind."""
        code_of = {name: code for code, name in enumerate(self.names)}
        other, unknown = code_of[OTHER], code_of[UNKNOWN]
        codes = [code_of.get(value, other) if value else unknown for value in values]
        code_N = np.asarray(codes, dtype=np.int32)
        shown = np.array([name not in hidden for name in self.names])
        return PointColours(self._palette(), code_N, shown[code_N])

    def legend(self, values: Sequence[str], *, hidden: Collection[str] = ()) -> MapLegend:
        """Count the points of each kind; kinds without a point have no entry."""
        codes = self.colours(values).code_N
        counts = np.bincount(codes, minlength=len(self.names))
        entries = tuple(
            LegendEntry(name, colour, int(count), name in hidden)
            for name, colour, count in zip(self.names, self._palette(), counts, strict=True)
            if count
        )
        return MapLegend("kinds", entries)

    def _palette(self) -> tuple[RGB, ...]:
        told = OKABE_ITO[: len(self.told_apart)]
        return (*told, OTHER_GREY, NEUTRAL, UNKNOWN_GREY)


@dataclass(frozen=True)
class NumberColouring:
    """Colours of numbers between two ends."""

    low: float
    high: float
    is_log: bool

    @classmethod
    def of(cls, values: npt.NDArray[np.floating], *, is_dose: bool = False) -> NumberColouring:
        """Choose the ends; doses over a 30-fold span are coloured by their logarithm."""
        finite = values[np.isfinite(values)]
        if len(finite) == 0:
            return cls(0.0, 0.0, is_log=False)
        low, high = float(finite.min()), float(finite.max())
        return cls(low, high, is_log=is_dose and low > 0 and high / low >= _LOG_SPAN)

    def colours(self, values: npt.NDArray[np.floating]) -> PointColours:
        """Colour points by number; those without one are grey."""
        palette = (*scale_colours(np.linspace(0, 1, _N_SHADES)), UNKNOWN_GREY)
        low, high = self.low, self.high
        at_N = np.where(np.isfinite(values), values, low).astype(np.float64)
        if self.is_log:
            at_N, low, high = np.log(np.maximum(at_N, low)), np.log(low), np.log(high)
        shares = (
            np.clip((at_N - low) / (high - low), 0, 1) if high > low else np.full(len(at_N), 0.5)
        )
        code_N = np.round(shares * (_N_SHADES - 1)).astype(np.int32)
        code_N[~np.isfinite(values)] = _N_SHADES
        return PointColours(palette, code_N, np.ones(len(values), dtype=bool))

    def legend(self) -> MapLegend:
        """Say what the ends of the scale are."""
        return MapLegend("scale", low=self.low, high=self.high, is_log=self.is_log)
