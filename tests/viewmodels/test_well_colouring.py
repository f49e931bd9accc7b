import colorsys
import itertools
import math

import numpy as np
import pytest

from napari_tide.viewmodels.well_colouring import (
    VIRIDIS,
    Legend,
    colour_by_category,
    colour_by_number,
    scale_colours,
)


def luminance(colour):
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(colour) / 255
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("count", [2, 7, 8, 40])
def test_every_category_has_its_own_colour(count):
    fills, legend = colour_by_category({n: f"drug {n:02d}" for n in range(count)})
    assert len(set(fills.values())) == count
    assert len(legend.entries) == count


def test_neighbouring_categories_of_many_differ_in_hue():
    _, legend = colour_by_category({n: f"{n:02d}" for n in range(30)})
    hues = [colorsys.rgb_to_hls(*(c / 255 for c in colour))[0] for _, colour in legend.entries]
    for first, second in itertools.pairwise(hues):
        assert min(abs(first - second), 1 - abs(first - second)) > 0.3


def test_the_scale_grows_lighter_throughout_so_it_reads_in_grey():
    lights = [luminance(colour) for colour in scale_colours(np.linspace(0, 1, 60))]
    assert all(first < second for first, second in itertools.pairwise(lights))


def test_numbers_take_the_ends_of_the_scale():
    fills, legend = colour_by_number({"a": 2.0, "b": 4.0, "c": 3.0, "d": math.nan, "e": math.inf})
    assert fills == {"a": VIRIDIS[0], "b": VIRIDIS[-1], "c": VIRIDIS[4]}
    assert (legend.low, legend.high, legend.is_log) == (2.0, 4.0, False)


def test_doses_over_a_wide_span_are_spread_in_their_logarithm():
    values = {"a": 0.01, "b": 0.1, "c": 1.0}
    fills, legend = colour_by_number(values, is_dose=True)
    assert legend.is_log
    assert fills["b"] == VIRIDIS[4]
    fills, legend = colour_by_number(values)
    assert not legend.is_log
    assert fills["b"] == scale_colours(np.array([0.09 / 0.99]))[0]


def test_names_are_listed_in_the_order_a_reader_counts():
    _, legend = colour_by_category(dict(enumerate(["drug 10", "drug 2", "Alpha", "beta 1"])))
    assert [name for name, _ in legend.entries] == ["Alpha", "beta 1", "drug 2", "drug 10"]


def test_one_value_or_none_still_has_a_legend():
    assert colour_by_number({"a": 5.0})[0] == {"a": VIRIDIS[4]}
    assert colour_by_number({"a": math.nan}) == ({}, Legend())
