import numpy as np
import pytest

from napari_tide.viewmodels.lasso import inside_polygon, lassoed


def inside_by_loop(places, corners):
    """Walk the edges of each point by itself."""
    inside = []
    for x, y in places:
        n_crossings = 0
        for i, (x1, y1) in enumerate(corners):
            x2, y2 = corners[(i + 1) % len(corners)]
            if (y1 <= y) != (y2 <= y) and x > x1 + (y - y1) * (x2 - x1) / (y2 - y1):
                n_crossings += 1
        inside.append(n_crossings % 2 == 1)
    return np.array(inside)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_corners", [3, 4, 25])
def test_the_same_points_as_a_slow_loop_finds(seed, n_corners):
    rng = np.random.default_rng(seed)
    places = rng.normal(size=(400, 2)).astype(np.float32)
    corners = rng.normal(size=(n_corners, 2))  # crosses itself
    assert (inside_polygon(places, corners) == inside_by_loop(places, corners)).all()


def test_corners_on_the_same_heights_as_points_count_once():
    grid = np.stack(np.meshgrid(np.arange(7.0), np.arange(7.0)), -1).reshape(-1, 2)
    corners = np.array([(1, 1), (5, 1), (5, 3), (3, 3), (3, 5), (1, 5)], float)
    found = inside_polygon(grid, corners)
    assert (found == inside_by_loop(grid, corners)).all()
    # half open: 4 x 2 and 2 x 2 unit squares hold as many points as their area
    assert found.sum() == 12


def test_points_without_a_place_and_lines_without_an_inside():
    places = np.array([[np.nan, np.nan], [0.5, 0.5]], dtype=np.float32)
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    assert inside_polygon(places, square).tolist() == [False, True]
    assert inside_polygon(places, square[:2]).tolist() == [False, False]
    assert inside_polygon(places[:0], square).tolist() == []


@pytest.mark.parametrize(
    ("mode", "expected"), [("replace", "0010"), ("add", "1110"), ("subtract", "1100")]
)
def test_hidden_points_are_neither_caught_nor_let_go(mode, expected):
    selected, inside, visible = (np.array(list(bits)) == "1" for bits in ("1100", "0111", "1010"))
    after = lassoed(selected, inside, visible_N=visible, mode=mode)
    assert after.tolist() == [bit == "1" for bit in expected]


@pytest.mark.parametrize("mode", ["replace", "add", "subtract"])
def test_a_line_around_nothing_keeps_the_selection(mode):
    selected = np.array([True, False, False])
    inside = np.array([False, False, True])
    visible = np.array([True, True, False])
    after = lassoed(selected, inside, visible_N=visible, mode=mode)
    assert (after == selected).all()


def test_subtracting_what_was_not_selected_changes_nothing():
    selected, inside = np.array([True, False]), np.array([False, True])
    after = lassoed(selected, inside, visible_N=np.ones(2, bool), mode="subtract")
    assert (after == selected).all()
