import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.tile_grid import PixelBox, TileGrid


@pytest.mark.parametrize(
    ("edge", "starts"),
    [("shift", (0, 300, 600, 780)), ("drop", (0, 300, 600)), ("pad", (0, 300, 600, 900))],
)
def test_edge_policies_place_the_last_tile(edge, starts):
    grid = TileGrid((1080, 600), 300, edge=edge)
    assert grid.tops == starts
    assert grid.lefts == (0, 300)  # a width that tiles fill is left alone
    assert (grid.n_rows, grid.n_columns, grid.n_tiles) == (len(starts), 2, 2 * len(starts))


unhurried = settings(deadline=None, max_examples=40)


@st.composite
def grids(draw):
    shape = draw(st.tuples(st.integers(1, 30), st.integers(1, 30)))
    tile_px = draw(st.integers(1, 25))
    edge = draw(st.sampled_from(["shift", "drop", "pad"]))
    assume(edge == "pad" or tile_px <= min(shape))
    stride_px = draw(st.integers(1, tile_px))
    return TileGrid(shape, tile_px, stride_px, edge)


@unhurried
@given(grids())
def test_tiles_cover_the_field_or_lie_inside_it_as_the_policy_says(grid):
    covered = np.zeros(grid.field_shape, bool)
    for tile in range(grid.n_tiles):
        box = grid.tile_box(*grid.position(tile))
        assert (box.height, box.width) == (grid.tile_px, grid.tile_px)
        inside = (
            box.top + grid.tile_px <= grid.field_shape[0]
            and box.left + grid.tile_px <= grid.field_shape[1]
        )
        assert inside or grid.edge == "pad"
        covered[box.top : box.top + grid.tile_px, box.left : box.left + grid.tile_px] = True
    assert covered.any()
    if grid.edge != "drop":
        assert covered.all()


@unhurried
@given(grids())
def test_the_count_is_that_of_counting_one_by_one(grid):
    for length, starts in zip(grid.field_shape, (grid.tops, grid.lefts), strict=True):
        fitting = sum(
            1 for s in range(0, length, grid.stride_px) if s + grid.tile_px <= length
        )  # fmt: skip
        left_over = fitting == 0 or (fitting - 1) * grid.stride_px + grid.tile_px < length
        extra = fitting > 0 and left_over and grid.edge != "drop"
        assert len(starts) == max(fitting, 1) + extra
        assert len(set(starts)) == len(starts)


@unhurried
@given(grids(), st.data())
def test_the_tile_under_a_point_contains_it_and_is_the_nearest(grid, data):
    y = data.draw(st.floats(0, grid.field_shape[0], exclude_max=True))
    x = data.draw(st.floats(0, grid.field_shape[1], exclude_max=True))
    containing = {}
    for tile in range(grid.n_tiles):
        box = grid.tile_box(*grid.position(tile))
        if box.top <= y < box.top + box.height and box.left <= x < box.left + box.width:
            containing[grid.position(tile)] = np.hypot(box.centre[0] - y, box.centre[1] - x)
    found = grid.tile_at(y, x)
    if not containing:
        assert found is None
    else:
        assert containing[found] == pytest.approx(min(containing.values()))


def test_points_outside_the_field_have_no_tile():
    grid = TileGrid((100, 100), 60, edge="pad")
    assert grid.tile_at(99.9, 0) == (1, 0)
    assert grid.tile_at(100, 0) is None
    assert grid.tile_at(-0.1, 5) is None


@unhurried
@given(grids(), st.integers(0, 13), st.integers(0, 13))
def test_patches_map_to_the_field_and_back(grid, patch_row, patch_column):
    tile = grid.n_tiles - 1
    box = grid.patch_box(tile, (patch_row, patch_column))
    top, left = grid.output_to_field(tile, (patch_row * 16, patch_column * 16))
    assert (box.top, box.left) == pytest.approx((top, left))
    bottom, right = grid.output_to_field(tile, ((patch_row + 1) * 16, (patch_column + 1) * 16))
    assert (box.top + box.height, box.left + box.width) == pytest.approx((bottom, right))
    whole = grid.tile_box(*grid.position(tile))
    assert whole.top <= box.top
    assert box.top + box.height <= whole.top + whole.height + 1e-9


def test_tiles_map_to_micrometres():
    grid = TileGrid((1080, 1080), 270)
    box = grid.tile_box_um(1, 2, pixel_size_um=0.6)
    assert box == PixelBox(*(pytest.approx(v) for v in (162.0, 324.0, 162.0, 162.0)))
    assert box.centre == (pytest.approx(243.0), pytest.approx(405.0))


@unhurried
@given(grids())
def test_values_spread_as_the_mean_of_the_tiles_over_each_pixel(grid):
    values = np.random.default_rng(0).random((grid.n_tiles, 2, 2)).astype(np.float32)
    total, count = np.zeros(grid.field_shape), np.zeros(grid.field_shape)
    for tile in range(grid.n_tiles):
        top, left = (int(v) for v in (grid.tile_box(*grid.position(tile)).top,
                                      grid.tile_box(*grid.position(tile)).left))  # fmt: skip
        for y in range(top, min(top + grid.tile_px, grid.field_shape[0])):
            for x in range(left, min(left + grid.tile_px, grid.field_shape[1])):
                half = (int(2 * (y - top) / grid.tile_px), int(2 * (x - left) / grid.tile_px))
                total[y, x] += values[(tile, *half)]
                count[y, x] += 1
    spread = grid.spread(values)
    np.testing.assert_allclose(spread[count > 0], (total / np.maximum(count, 1))[count > 0], 1e-5)
    assert np.isnan(spread[count == 0]).all()


def test_one_value_per_tile_spreads_too():
    spread = TileGrid((4, 4), 2).spread(np.arange(4.0))
    np.testing.assert_array_equal(spread, np.repeat(np.repeat([[0, 1], [2, 3]], 2, 0), 2, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tile_px": 0}, "expected whole numbers from 1"),
        ({"tile_px": 30, "stride_px": 0}, "expected whole numbers from 1"),
        ({"tile_px": 30, "output_px": -1}, "expected whole numbers from 1"),
        ({"tile_px": 30, "stride_px": 31}, "leaves gaps between tiles of 30 px"),
        ({"tile_px": 101}, "do not fit a field of 100 x 120 px; choose smaller tiles"),
        ({"tile_px": 30, "edge": "wrap"}, "edge policy 'wrap' is unknown"),
    ],
    ids=["no tile", "no stride", "no output", "gaps", "too large", "unknown edge"],
)
def test_impossible_grids_are_refused(options, message):
    with pytest.raises(ImagingValueError, match=message):
        TileGrid((100, 120), **options)


def test_tiles_that_are_not_there_are_refused():
    grid = TileGrid((100, 100), 50)
    with pytest.raises(ImagingValueError, match="no tile 4; this grid has 4"):
        grid.position(4)
    with pytest.raises(ImagingValueError, match=r"no tile \(2, 0\); the grid is 2 x 2"):
        grid.tile_box(2, 0)
