import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.imaging.area_resize import AreaResize, Span, resize_area


def slow_area_mean(plane, span_y, span_x, output_shape):
    """Straight from the definition; what lies outside the plane is zero."""
    height, width = output_shape
    out = np.zeros(output_shape)
    ratio_y, ratio_x = span_y.length / height, span_x.length / width
    for i in range(height):
        for j in range(width):
            top, left = span_y.start + i * ratio_y, span_x.start + j * ratio_x
            total = 0.0
            for y in range(int(np.floor(top)), int(np.ceil(top + ratio_y)) + 1):
                for x in range(int(np.floor(left)), int(np.ceil(left + ratio_x)) + 1):
                    if 0 <= y < plane.shape[0] and 0 <= x < plane.shape[1]:
                        covered_y = min(top + ratio_y, y + 1) - max(top, y)
                        covered_x = min(left + ratio_x, x + 1) - max(left, x)
                        total += plane[y, x] * max(covered_y, 0) * max(covered_x, 0)
            out[i, j] = total / (ratio_y * ratio_x)
    return out


@pytest.mark.parametrize(
    ("shape", "output_shape"),
    [
        ((270, 270), (224, 224)),
        ((360, 360), (224, 224)),
        ((1080, 1080), (224, 224)),
        ((520, 696), (224, 224)),
        ((448, 448), (224, 224)),
        ((224, 224), (224, 224)),
        ((100, 130), (224, 224)),
        ((7, 2160), (3, 64)),
    ],
    ids=str,
)
def test_it_is_opencv_s_area_resize(shape, output_shape):
    plane = np.random.default_rng(0).random(shape).astype(np.float32)
    expected = cv2.resize(plane, output_shape[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(resize_area(plane, output_shape), expected, atol=2e-6)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(3, 20),
    width=st.integers(3, 20),
    starts=st.tuples(st.integers(-3, 12), st.integers(-3, 12)),
    lengths=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    output_shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_any_span_is_the_area_mean_even_over_the_border(
    height, width, starts, lengths, output_shape
):
    plane = np.random.default_rng(1).random((height, width)).astype(np.float32)
    span_y, span_x = (Span(s, n) for s, n in zip(starts, lengths, strict=True))
    plan = AreaResize.plan((height, width), ([span_y], [span_x]), output_shape=output_shape)
    expected = slow_area_mean(plane, span_y, span_x, output_shape)
    np.testing.assert_allclose(plan.apply(plane)[0, 0], expected, atol=1e-5)


def test_spans_are_resized_into_the_array_given():
    plane = np.random.default_rng(2).random((60, 90)).astype(np.float32)
    spans = [Span(0, 30), Span(30, 30)], [Span(at, 30) for at in (0, 20, 60)]
    tiles = np.full((2, 3, 5, 25, 25), -1, np.float32)
    AreaResize.plan((60, 90), spans, output_shape=(25, 25)).apply(plane, tiles[:, :, 2])
    for row, y in enumerate((0, 30)):
        for column, x in enumerate((0, 20, 60)):
            expected = cv2.resize(
                plane[y : y + 30, x : x + 30], (25, 25), interpolation=cv2.INTER_AREA
            )
            np.testing.assert_allclose(tiles[row, column, 2], expected, atol=2e-6)
    assert (tiles[:, :, [0, 1, 3, 4]] == -1).all()
