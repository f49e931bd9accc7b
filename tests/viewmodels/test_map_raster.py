import numpy as np
import pytest

from napari_tide.viewmodels.map_raster import PointPainting, View, disc_offsets

VIEW = View(left=-1.0, low=-0.5, right=1.0, high=0.5, width_px=40, height_px=24)


def painted_by_loop(places, rgba, radius, view):
    """Paint disc after disc."""
    picture = np.zeros((view.height_px, view.width_px, 4), np.uint8)
    for (x, y), colour in zip(places, rgba, strict=True):
        if np.isnan(x):
            continue
        column = int(np.floor((x - view.left) / (view.right - view.left) * view.width_px))
        row = int(np.floor((view.high - y) / (view.high - view.low) * view.height_px))
        if not (0 <= row < view.height_px and 0 <= column < view.width_px):
            continue
        for r in range(row - radius, row + radius + 1):
            for c in range(column - radius, column + radius + 1):
                is_near = (r - row) ** 2 + (c - column) ** 2 <= (radius + 0.25) ** 2
                if is_near and 0 <= r < view.height_px and 0 <= c < view.width_px:
                    picture[r, c] = colour
    return picture


@pytest.mark.parametrize("radius", [0, 1, 2, 3])
def test_the_same_picture_as_painting_disc_after_disc(radius):
    rng = np.random.default_rng(radius)
    places = rng.uniform(-1.2, 1.2, (300, 2)).astype(np.float32)
    places[::50] = np.nan
    rgba = rng.integers(1, 256, (300, 4)).astype(np.uint8)
    picture = PointPainting(places, rgba, radius).paint(VIEW)
    assert (picture == painted_by_loop(places, rgba, radius, VIEW)).all()


def test_the_last_of_points_at_one_place_is_seen():
    places = np.zeros((3, 2), np.float32)
    rgba = np.array([[1, 1, 1, 255], [2, 2, 2, 255], [3, 3, 3, 255]], np.uint8)
    picture = PointPainting(places, rgba, 0).paint(VIEW)
    assert picture[..., 0].max() == 3
    assert (picture[..., 3] > 0).sum() == 1


def test_far_points_and_none_leave_the_ground():
    far = np.array([[1e30, 0], [0, -1e30]], np.float32)
    white = np.full((2, 4), 255, np.uint8)
    assert not PointPainting(far, white).paint(VIEW).any()
    assert not PointPainting(far[:0], white[:0]).paint(VIEW).any()


def test_a_disc_is_round():
    assert len(list(disc_offsets(0))) == 1
    assert len(list(disc_offsets(1))) == 5
    assert len(list(disc_offsets(2))) == 21  # five by five without its corners
