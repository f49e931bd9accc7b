"""Colours that colour-blind readers tell apart: simulated (Machado et al. 2009) and measured."""

from itertools import combinations

import numpy as np
import pytest

from napari_tide.viewmodels.map_colouring import OTHER_GREY, UNKNOWN_GREY
from napari_tide.viewmodels.well_colouring import NEUTRAL, OKABE_ITO, VIRIDIS, scale_colours

# Machado, Oliveira and Fernandes 2009, severity 1.0, for linear RGB
SIGHT = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "no green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # fmt: skip


def lab(colours, sight):
    """CIELAB of sRGB colours (0 to 255) as somebody sees them."""
    shares = np.asarray(colours, float) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ SIGHT[sight].T, 0, 1)
    xyz = seen @ TO_XYZ.T / np.array([0.9505, 1.0, 1.089])
    cubic = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = cubic.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def test_the_measure_agrees_with_known_colours():
    white, grey, black = lab([(255,) * 3, (119,) * 3, (0,) * 3], "all cones")
    assert white == pytest.approx([100, 0, 0], abs=0.1)
    assert grey[0] == pytest.approx(50, abs=0.2)
    assert black == pytest.approx([0, 0, 0], abs=0.1)
    red, green = lab([(190, 60, 40), (110, 110, 40)], "no green cones")
    assert np.abs(red - green).max() < 25  # what all cones see 60 apart
    assert np.linalg.norm(np.subtract(*lab([(190, 60, 40), (110, 110, 40)], "all cones"))) > 55


@pytest.mark.parametrize("sight", SIGHT)
def test_the_scale_only_ever_gets_lighter(sight):
    lightness = lab(scale_colours(np.linspace(0, 1, 64)), sight)[:, 0]
    assert (np.diff(lightness) > 0).all()
    assert lightness[-1] - lightness[0] > 60


def test_the_scale_has_even_steps():
    steps = np.linalg.norm(np.diff(lab(VIRIDIS, "all cones"), axis=0), axis=1)
    assert steps.max() / steps.min() < 2.5


@pytest.mark.parametrize("sight", ["all cones", "no red cones", "no green cones"])
def test_kinds_stay_apart_for_those_who_see_fewer_colours(sight):
    seen = lab([*OKABE_ITO, NEUTRAL, OTHER_GREY, UNKNOWN_GREY], sight)
    apart = {
        (a, b): float(np.linalg.norm(seen[a] - seen[b]))
        for a, b in combinations(range(len(seen)), 2)
    }
    unknown = len(seen) - 1  # what nothing is known of need not stand out
    assert min(far for pair, far in apart.items() if unknown not in pair) > 11
    assert min(apart.values()) > 7
