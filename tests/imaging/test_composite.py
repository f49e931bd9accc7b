import numpy as np
import pytest

from napari_tide.imaging.composite import compose, display_limits, shrink_to_square


def test_limits_leave_out_the_brightest_pixels():
    plane = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    plane[0, 0] = 65535
    low, high = display_limits(plane)
    assert low == pytest.approx(50, abs=2)
    assert high == pytest.approx(9980, abs=2)


def test_limits_of_a_flat_plane_are_not_empty():
    assert display_limits(np.zeros((8, 8), np.uint8)) == (0.0, 1.0)


def test_shrinking_averages_blocks_of_the_central_square():
    plane = np.arange(4 * 8, dtype=np.float32).reshape(4, 8)
    square = plane[:, 2:6]
    expected = square.reshape(2, 2, 2, 2).mean((1, 3))
    np.testing.assert_allclose(shrink_to_square(plane, 2), expected)


def test_a_channel_at_its_upper_limit_shows_in_its_colour_and_below_its_lower_is_dark():
    thumbnail = np.array([[5.0, 10.0, 20.0]], np.float32)
    picture = compose({"DNA": thumbnail}, {"DNA": (5.0, 10.0)})
    np.testing.assert_array_equal(picture[0], [[0, 0, 0], [64, 120, 255], [64, 120, 255]])
