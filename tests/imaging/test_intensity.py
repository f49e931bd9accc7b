import json

import numpy as np
import pytest

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.intensity import (
    IntensityHistogram,
    IntensityRange,
    IntensityRanges,
    field_ranges,
)

RANDOM = np.random.default_rng(0)


def planes_of(kind):
    values = RANDOM.gamma(2.0, 900.0, (3, 41, 53))
    if kind == "uint8":
        return np.minimum(values / 40, 255).astype(np.uint8)
    return np.minimum(values, 4095 if kind == "12 bit" else 65535).astype(np.uint16)


@pytest.mark.parametrize("kind", ["uint8", "12 bit", "uint16"])
@pytest.mark.parametrize("percent", [0, 0.01, 1, 50, 99.9, 100])
def test_percentiles_of_integers_are_exact_over_many_planes(kind, percent):
    planes, total = planes_of(kind), IntensityHistogram()
    for plane in planes:
        histogram = IntensityHistogram()
        histogram.add(plane)
        total.merge(histogram)
    expected = np.percentile(planes, percent, method="inverted_cdf")
    assert total.percentile(percent) == expected


def test_shares_that_are_a_whole_number_of_pixels_are_not_rounded_up():
    histogram = IntensityHistogram()
    histogram.add(np.arange(6000, dtype=np.uint16).reshape(60, 100))
    assert histogram.percentile(99.9) == 5993  # the 5994th of 6000


@pytest.mark.parametrize("percent", [0.01, 1, 50, 99.9, 100])
def test_percentiles_of_real_numbers_are_good_to_a_few_parts_in_ten_thousand(percent):
    planes, histogram = (
        RANDOM.gamma(2.0, 0.01, (3, 41, 53)).astype(np.float32),
        IntensityHistogram(),
    )
    for plane in planes:
        histogram.add(plane)
    expected = np.percentile(planes, percent, method="inverted_cdf")
    assert histogram.percentile(percent) == pytest.approx(expected, rel=2.5e-4)


def test_zero_and_negative_real_values_count_as_zero():
    histogram = IntensityHistogram()
    histogram.add(np.array([[-5.0, -0.0, 0.0, 1.0]], np.float32))
    assert histogram.percentile(75) == 0.0
    assert histogram.percentile(100) == pytest.approx(1.0, rel=2.5e-4)


def test_integers_and_real_numbers_do_not_mix():
    histogram = IntensityHistogram()
    histogram.add(np.ones((2, 2), np.uint16))
    with pytest.raises(ImagingValueError, match="cannot share one intensity range"):
        histogram.add(np.ones((2, 2), np.float32))


def test_ranges_come_from_all_fields_at_the_paper_s_percentiles():
    fields = [np.stack([plane, plane // 2]) for plane in planes_of("uint16")]
    ranges = field_ranges(fields, ["DNA", "ER"])
    for channel, name in enumerate(["DNA", "ER"]):
        pixels = np.stack([field[channel] for field in fields])
        low, high = np.percentile(pixels, (0.01, 99.9), method="inverted_cdf")
        assert ranges.by_channel[name] == IntensityRange(low, high)


def test_ranges_survive_json_and_are_picked_by_name():
    ranges = IntensityRanges({"DNA": IntensityRange(3.5, 9), "ER": IntensityRange(0, 1)})
    again = IntensityRanges.from_json(json.loads(json.dumps(ranges.to_json())))
    assert again == ranges
    assert again.of(["ER", "DNA"]) == [IntensityRange(0, 1), IntensityRange(3.5, 9)]
    with pytest.raises(ImagingValueError, match=r"no intensity range for Mito. Available: \['DNA'"):
        again.of(["ER", "Mito"])


@pytest.mark.parametrize(
    "values", [{"DNA": [1]}, {"DNA": 3}, {"DNA": ["a", "b"]}, {"DNA": [9, 3]}, [1, 2]], ids=str
)
def test_json_that_holds_no_ranges_is_refused(values):
    with pytest.raises(ImagingValueError, match="expected the form channel"):
        IntensityRanges.from_json(values)


@pytest.mark.parametrize("limits", [(2, 1), (np.nan, 1), (0, np.inf)], ids=str)
def test_ranges_that_are_none_are_refused(limits):
    with pytest.raises(ImagingValueError, match="expected low <= high"):
        IntensityRange(*limits)


@pytest.mark.parametrize("percentiles", [(5, 5), (-1, 50), (0, 101), (90, 10)], ids=str)
def test_impossible_percentiles_are_refused(percentiles):
    histogram = IntensityHistogram()
    histogram.add(np.ones((2, 2), np.uint8))
    with pytest.raises(ImagingValueError, match="expected 0 <= low < high <= 100"):
        histogram.range(percentiles)


def test_an_empty_histogram_has_no_range():
    with pytest.raises(ImagingValueError, match="no pixels were counted"):
        IntensityHistogram().range()


def test_a_constant_channel_has_no_gain():
    assert IntensityRange(7, 7).gain == 0
    assert IntensityRange(100, 350).gain == pytest.approx(1 / 250)
