"""Intensity ranges: which grey values become 0 and 1, per channel.

The paper clips at the percentiles 0.01 and 99.9. They are found from histograms that add up over
fields, so a plate is never held in memory: exact counts for 8- and 16-bit planes, and for values
divided by an illumination function bins of 0.02 % width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ImagingValueError

PAPER_PERCENTILES = (0.01, 99.9)

_EXACT_BINS = 65_536
# A non-negative float's bits order as the float does; the upper 20 give steps of 2**-12.
_FLOAT_SHIFT = 11
_FLOAT_BINS = 1 << (31 - _FLOAT_SHIFT)


@dataclass(frozen=True, slots=True)
class IntensityRange:
    """The grey values (after illumination) that become 0 and 1; between them, a straight line."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse limits that are no range."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            message = (
                f"an intensity range from {self.low} to {self.high} is none; expected low <= high"
            )
            raise ImagingValueError(message)

    @property
    def gain(self) -> float:
        """Factor from grey values to the unit range; 0 for a constant channel, which becomes 0."""
        return 1.0 / (self.high - self.low) if self.high > self.low else 0.0


@dataclass(frozen=True, slots=True)
class IntensityRanges:
    """The range of every channel, by stain."""

    by_channel: Mapping[str, IntensityRange]

    def of(self, channels: Sequence[str]) -> list[IntensityRange]:
        """Give the ranges of some channels, in their order."""
        missing = [name for name in channels if name not in self.by_channel]
        if missing:
            message = (
                f"no intensity range for {', '.join(missing)}. "
                f"Available: {sorted(self.by_channel)}; estimate the ranges from these images"
            )
            raise ImagingValueError(message)
        return [self.by_channel[name] for name in channels]

    def to_json(self) -> dict[str, list[float]]:
        """Give plain lists, as they stand in a bundle's ``config.json``."""
        return {name: [limits.low, limits.high] for name, limits in self.by_channel.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Sequence[float]]) -> IntensityRanges:
        """Read what `to_json` wrote."""
        try:
            ranges = {
                name: IntensityRange(float(low), float(high))
                for name, (low, high) in values.items()
            }
        except (TypeError, ValueError, AttributeError) as error:
            message = (
                f"intensity ranges {values!r} cannot be read ({error}); "
                "expected the form channel: [low, high]"
            )
            raise ImagingValueError(message) from error
        return cls(ranges)


@dataclass(slots=True)
class IntensityHistogram:
    """Counts of grey values of one channel, adding up over fields."""

    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def add(self, plane: npt.NDArray[np.generic]) -> None:
        """Count a plane's pixels; negative values count as zero."""
        if plane.dtype in (np.uint8, np.uint16):
            counts = np.bincount(plane.ravel(), minlength=_EXACT_BINS)
        else:
            values = np.maximum(plane, 0).astype(np.float32)
            bins = np.ascontiguousarray(values).view(np.uint32).ravel() >> _FLOAT_SHIFT
            counts = np.bincount(bins, minlength=_FLOAT_BINS)
        self._merge(counts)

    def merge(self, other: IntensityHistogram) -> None:
        """Add another histogram's counts, such as another field's."""
        self._merge(other.counts)

    def percentile(self, percent: float) -> float:
        """Give the smallest value that `percent` of the pixels do not exceed.

        For exact counts this is ``numpy.percentile(..., method="inverted_cdf")`` but for that
        one's rounding where the share is a whole number of pixels.
        """
        total = int(self.counts.sum())
        if not total:
            message = "no pixels were counted, so there is no intensity range; read some fields"
            raise ImagingValueError(message)
        rank = max(math.ceil(round(total * percent / 100, 6)), 1)
        found = int(np.searchsorted(np.cumsum(self.counts), rank))
        if len(self.counts) == _EXACT_BINS:
            return float(found)
        middle = np.array((found << _FLOAT_SHIFT) + (1 << (_FLOAT_SHIFT - 1)), np.uint32)
        return float(middle.view(np.float32)) if found else 0.0

    def range(self, percentiles: tuple[float, float] = PAPER_PERCENTILES) -> IntensityRange:
        """Give the range between two percentiles."""
        low, high = percentiles
        if not 0 <= low < high <= 100:
            message = f"percentiles {percentiles} are no range; expected 0 <= low < high <= 100"
            raise ImagingValueError(message)
        return IntensityRange(self.percentile(low), self.percentile(high))

    def _merge(self, counts: npt.NDArray[np.int64]) -> None:
        if not self.counts.size:
            self.counts = counts.astype(np.int64)
        elif self.counts.shape != counts.shape:
            message = (
                "planes of 8 or 16 bits and planes of real numbers cannot share one intensity "
                "range; convert the images of a channel to one type"
            )
            raise ImagingValueError(message)
        else:
            self.counts += counts


def field_ranges(
    fields: Iterable[npt.NDArray[np.generic]],
    channels: Sequence[str],
    *,
    percentiles: tuple[float, float] = PAPER_PERCENTILES,
) -> IntensityRanges:
    """Estimate ranges from fields (channel, height, width), already divided by illumination."""
    histograms = [IntensityHistogram() for _ in channels]
    for planes in fields:
        for histogram, plane in zip(histograms, planes, strict=True):
            histogram.add(plane)
    pairs = zip(channels, histograms, strict=True)
    return IntensityRanges({name: histogram.range(percentiles) for name, histogram in pairs})
