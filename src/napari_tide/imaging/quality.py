"""Quality flags: what is wrong with a field, per channel, in words a biologist reads.

All figures come from a plane shrunk to a half, a quarter and an eighth, about 1 ms for 1080 x 1080.
Thresholds were set on the real fields of four microscopes (26 fluorescent planes) and on blurred,
masked and nearly empty ones:

========================  =============  =====================================  =========
figure                    good planes    bad planes                             threshold
========================  =============  =====================================  =========
saturated share           0 to 1 pixel   46e-6 (54 pixels) to 1.2e-3            2e-5
share with signal         0.40 to 1.00   0.09 to 0.19 (three cells in a field)  0.25
focus score               0.31 to 0.84   0.27 to 0.32 (Gaussian blur of 5 px)   0.30
darkest side to opposite  0.56 to 1.00   0.00 to 0.40 (dark beyond a well rim)  0.40
========================  =============  =====================================  =========

The focus score by itself finds strong blur only, because microscopes differ more than focus does:
`out_of_focus_on_plate` compares a plane with the same channel of its plate and finds blur of 2 px.
The score looks at details of 2 px and more, where camera noise is halved; subtracting a noise level
taken from quiet areas was tried and dropped, since dense fields have no quiet areas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.imaging.scratch_arrays import scratch_array

FloatArray = npt.NDArray[np.float32]

CAMERA_MAXIMA = (255, 1023, 4095, 16383, 65535)
SATURATED_SHARE = 2e-5
SIGNAL_CONTRAST = 0.7
SIGNAL_SHARE = 0.25
FOCUS_SCORE = 0.30
SIDE_RATIO = 0.4

_AREA_BLOCKS = 16
_TRANSMITTED = ("Brightfield", "Brightfield_H", "Brightfield_L")


@dataclass(frozen=True, slots=True)
class PlaneQuality:
    """Figures and flags of one plane.

    Parameters
    ----------
    saturated_share
        Share of pixels at the camera's maximum.
    signal_share
        Share of the field, in areas of 128 px, whose bright parts exceed its dark parts by 70 %.
    focus_score
        Detail of 2 px relative to detail of 8 px; 0.25 is the least a smooth plane can have.
    side_ratio
        Background of the darkest side or corner relative to the one opposite.
    is_blank
        All pixels are equal, as in a plane of zeros.
    """

    saturated_share: float
    signal_share: float
    focus_score: float
    side_ratio: float
    is_blank: bool = False

    @property
    def is_saturated(self) -> bool:
        """Enough pixels are at the camera's maximum to spoil a twentieth of one nucleus."""
        return self.saturated_share > SATURATED_SHARE and not self.is_blank

    @property
    def is_empty(self) -> bool:
        """Little of the field holds anything above its surroundings."""
        return self.is_blank or self.signal_share < SIGNAL_SHARE

    @property
    def is_out_of_focus(self) -> bool:
        """Blurred beyond what any microscope tried does in focus; unknown on an empty plane."""
        return not self.is_empty and self.focus_score < FOCUS_SCORE

    @property
    def is_at_well_edge(self) -> bool:
        """One side lies in the dark, as it does outside the well."""
        return not self.is_blank and self.side_ratio < SIDE_RATIO

    def words(self) -> list[str]:
        """Name the flags that are up."""
        if self.is_blank:
            return ["blank (all pixels equal)"]
        named = {
            f"nearly empty ({self.signal_share:.0%} of the field with signal)": self.is_empty,
            f"saturated ({self.saturated_share:.3%} of pixels)": self.is_saturated,
            "out of focus": self.is_out_of_focus,
            "dark at one side (edge of well?)": self.is_at_well_edge,
        }
        return [words for words, is_up in named.items() if is_up]


@dataclass(frozen=True, slots=True)
class QualityFlags:
    """Quality of a field: its planes by stain, and what they say together."""

    by_channel: Mapping[str, PlaneQuality]

    @property
    def is_empty(self) -> bool:
        """No stain shows more than a few cells (transmitted light never counts)."""
        return all(quality.is_empty for quality in self._stains())

    @property
    def is_saturated(self) -> bool:
        """Any stain is saturated."""
        return any(quality.is_saturated for quality in self._stains())

    @property
    def is_out_of_focus(self) -> bool:
        """At least half of the stains that show anything are blurred."""
        shown = [quality for quality in self._stains() if not quality.is_empty]
        return bool(shown) and 2 * sum(q.is_out_of_focus for q in shown) >= len(shown)

    @property
    def is_at_well_edge(self) -> bool:
        """At least half of the stains are dark at one side."""
        stains = self._stains()
        return bool(stains) and 2 * sum(q.is_at_well_edge for q in stains) >= len(stains)

    @property
    def names(self) -> tuple[str, ...]:
        """Short names of the field's flags, for tables and the plate map."""
        flags = {
            "empty": self.is_empty,
            "saturated": self.is_saturated,
            "out of focus": self.is_out_of_focus,
            "edge of well": self.is_at_well_edge,
        }
        return tuple(name for name, is_up in flags.items() if is_up)

    def sentence(self) -> str:
        """Tell what is wrong, channel by channel."""
        told = [
            f"{channel}: {', '.join(words)}"
            for channel, quality in self.by_channel.items()
            if channel not in _TRANSMITTED and (words := quality.words())
        ]
        return "; ".join(told) or "no quality flags"

    def _stains(self) -> list[PlaneQuality]:
        return [q for name, q in self.by_channel.items() if name not in _TRANSMITTED]


def judge_plane(plane: npt.NDArray[np.generic]) -> PlaneQuality:
    """Measure one plane as it came from the camera, before illumination correction."""
    brightest = plane.max()
    if brightest == plane.min():
        return PlaneQuality(0.0, 0.0, 0.0, 1.0, is_blank=True)
    is_maximum = plane.dtype.kind in "ui" and brightest in CAMERA_MAXIMA
    saturated = float((plane == brightest).mean()) if is_maximum else 0.0
    half = _halve(plane)
    eighth = _halve(_halve(half))
    dark, low, high = _area_levels(eighth)
    contrast = (high - low) / np.maximum(low, 1.0 if plane.dtype.kind in "ui" else 1e-6)
    return PlaneQuality(
        saturated_share=saturated,
        signal_share=float((contrast > SIGNAL_CONTRAST).mean()),
        focus_score=_detail(half) / max(_detail(eighth), 1e-12),
        side_ratio=_side_ratio(dark),
    )


def judge_field(planes: Mapping[str, npt.NDArray[np.generic]]) -> QualityFlags:
    """Measure every plane of a field."""
    return QualityFlags({name: judge_plane(plane) for name, plane in planes.items()})


def out_of_focus_on_plate(focus_scores: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Tell which fields of one channel are blurred compared with the rest of their plate.

    A score is out where it lies four robust standard deviations below the median, and at least a
    tenth of the median below, so that an even plate has none.
    """
    median = np.nanmedian(focus_scores)
    spread = 1.4826 * np.nanmedian(np.abs(focus_scores - median))
    return np.asarray(focus_scores < median - np.maximum(4 * spread, 0.1 * median))


def _halve(plane: npt.NDArray[np.generic]) -> FloatArray:
    """Average blocks of 2 x 2; adding whole rows first keeps memory access in order."""
    height, width = (length - length % 2 for length in plane.shape)
    if min(height, width) == 0:
        return plane.astype(np.float32)
    rows = scratch_array("row pairs", (height // 2, width))
    np.add(plane[0:height:2, :width], plane[1:height:2, :width], out=rows, casting="unsafe")
    return np.asarray((rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25))


def _detail(plane: FloatArray) -> float:
    """Give the root mean square difference of diagonal neighbours."""
    height, width = (length - length % 2 for length in plane.shape)
    difference = plane[0:height:2, 0:width:2] - plane[1:height:2, 1:width:2]
    flat = difference.ravel()
    return float(np.sqrt(np.dot(flat, flat) / max(flat.size, 1)))


def _area_levels(eighth: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the 20th, 5th and 95th percentile of each area of 16 x 16 blocks, as small maps."""
    side = min(_AREA_BLOCKS, *eighth.shape)
    rows, columns = (length // side for length in eighth.shape)
    areas = eighth[: rows * side, : columns * side].reshape(rows, side, columns, side)
    ordered = np.sort(areas.transpose(0, 2, 1, 3).reshape(rows, columns, side * side), axis=-1)
    last = side * side - 1
    dark, low, high = (ordered[..., round(q * last)] for q in (0.2, 0.05, 0.95))
    return dark, low, high


def _side_ratio(dark: FloatArray) -> float:
    """Compare each side and corner with the one opposite, and give the most uneven pair."""
    rows, columns = (max(length // 4, 1) for length in dark.shape)
    top, bottom = slice(None, rows), slice(-rows, None)
    left, right = slice(None, columns), slice(-columns, None)
    whole = slice(None)
    pairs = [
        ((top, whole), (bottom, whole)),
        ((whole, left), (whole, right)),
        ((top, left), (bottom, right)),
        ((top, right), (bottom, left)),
    ]
    levels = [(float(np.median(dark[a])), float(np.median(dark[b]))) for a, b in pairs]
    return min(min(a, b) / max(a, b, 1e-12) if max(a, b) > 0 else 1.0 for a, b in levels)
