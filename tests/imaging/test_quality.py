import numpy as np
import pytest
from scipy import ndimage

from napari_tide.imaging.quality import (
    PlaneQuality,
    QualityFlags,
    judge_field,
    judge_plane,
    out_of_focus_on_plate,
)

SHAPE = (1080, 1080)


def cells(n_cells, seed=0, blur_px=0.0, top=3000):
    """Simulated cells with texture on a noisy background, as a camera counts them."""
    random = np.random.default_rng(seed)
    seeds = np.zeros(SHAPE, np.float32)
    np.add.at(seeds, tuple(random.integers(0, n, n_cells) for n in SHAPE), 1)
    bodies = ndimage.gaussian_filter(seeds, 14) * 2 * np.pi * 14**2
    texture = ndimage.gaussian_filter(random.random(SHAPE, np.float32), 1.2)
    light = 150 + top * np.minimum(bodies, 1.5) * (texture / texture.mean()) ** 3
    if blur_px:
        light = ndimage.gaussian_filter(light, blur_px)
    return np.minimum(random.poisson(light), 65535).astype(np.uint16)


@pytest.fixture(scope="module")
def dense():
    return cells(250)


def test_a_good_field_has_no_flags(dense):
    quality = judge_plane(dense)
    assert quality.words() == []
    assert judge_field({"DNA": dense}).sentence() == "no quality flags"
    assert judge_field({"DNA": dense}).names == ()


def test_the_figures_are_what_slow_loops_give(dense):
    plane = dense[:272, :256]
    half = plane.reshape(136, 2, 128, 2).mean((1, 3))
    eighth = plane.reshape(34, 8, 32, 8).mean((1, 3))

    def detail(image):
        squares = [
            (image[y, x] - image[y + 1, x + 1]) ** 2
            for y in range(0, image.shape[0] - 1, 2)
            for x in range(0, image.shape[1] - 1, 2)
        ]
        return np.sqrt(np.mean(squares))

    contrasts = []
    for y in (0, 16):
        for x in (0, 16):
            values = sorted(eighth[y : y + 16, x : x + 16].ravel())
            contrasts.append((values[242] - values[13]) / values[13])
    quality = judge_plane(plane)
    assert quality.focus_score == pytest.approx(detail(half) / detail(eighth), rel=1e-4)
    assert quality.signal_share == np.mean(np.array(contrasts) > 0.7)


@pytest.mark.parametrize("n_cells", [0, 3])
def test_fields_with_hardly_a_cell_are_empty(n_cells):
    plane = cells(n_cells)
    assert judge_plane(plane).is_empty
    assert not judge_plane(plane).is_out_of_focus  # nothing there to be sharp
    flags = judge_field({"DNA": plane, "ER": plane})
    assert flags.names == ("empty",)
    assert "DNA: nearly empty" in flags.sentence()


def test_uneven_light_alone_does_not_count_as_signal():
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    light = 2000 * np.exp(-0.6 * (x**2 + y**2))
    plane = np.random.default_rng(0).poisson(light).astype(np.uint16)
    assert judge_plane(plane).is_empty
    assert not judge_plane(plane).is_at_well_edge


@pytest.mark.parametrize(
    ("maximum", "kind"), [(255, np.uint8), (4095, np.uint16), (65535, np.uint16)]
)
def test_pixels_at_the_camera_s_maximum_are_saturated(dense, maximum, kind):
    plane = np.minimum(dense.astype(float) / dense.max(), 1) * maximum * 0.9
    plane[100:110, 100:110] = maximum
    quality = judge_plane(plane.astype(kind))
    assert quality.saturated_share == 100 / plane.size
    assert quality.is_saturated
    assert "saturated (0.009% of pixels)" in quality.words()


def test_a_few_hot_pixels_or_a_common_maximum_are_not_saturation(dense):
    plane = dense.copy()
    plane[5, 5:9] = 65535
    assert not judge_plane(plane).is_saturated
    assert judge_plane(np.minimum(dense, 3000)).saturated_share == 0


def test_strong_blur_is_out_of_focus_and_lowers_the_score_step_by_step():
    scores = [judge_plane(cells(250, blur_px=blur)).focus_score for blur in (0, 1, 2, 3)]
    assert scores == sorted(scores, reverse=True)
    blurred = judge_plane(cells(250, blur_px=8, top=9000))
    assert blurred.is_out_of_focus
    assert "out of focus" in blurred.words()


def test_a_plate_s_blurred_fields_stand_out_by_their_scores():
    scores = [judge_plane(cells(200 + 10 * seed, seed)).focus_score for seed in range(8)]
    blurred = [judge_plane(cells(250, seed, blur_px=2)).focus_score for seed in (8, 9)]
    found = out_of_focus_on_plate(np.array([*scores, *blurred, np.nan]))
    assert found.tolist() == [False] * 8 + [True] * 2 + [False]


def test_an_even_plate_has_no_outliers():
    assert not out_of_focus_on_plate(np.linspace(0.50, 0.51, 40)).any()


@pytest.mark.parametrize("centre", [(0.95, 0.95), (0.5, 1.15), (-0.15, 0.5)], ids=str)
def test_a_well_s_rim_is_seen_from_any_side(dense, centre):
    y, x = np.meshgrid(*(np.linspace(0, 1, n) for n in SHAPE), indexing="ij")
    inside = np.hypot(y - centre[0], x - centre[1]) < 0.9
    plane = np.where(inside, dense, dense // 12 + 8).astype(np.uint16)
    assert judge_plane(plane).is_at_well_edge
    flags = judge_field({"DNA": dense, "ER": plane, "RNA": plane})
    assert "edge of well" in flags.names
    assert "ER: dark at one side" in flags.sentence()


@pytest.mark.parametrize("value", [0, 700, 65535])
def test_blank_planes_are_blank(value):
    quality = judge_plane(np.full((64, 64), value, np.uint16))
    assert quality.words() == ["blank (all pixels equal)"]
    assert quality.is_empty
    assert not quality.is_saturated


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 5), (17, 200)], ids=str)
def test_small_planes_are_judged_without_complaint(shape):
    plane = np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)
    assert 0 <= judge_plane(plane).side_ratio <= 1


def test_transmitted_light_says_nothing_about_the_field(dense):
    flags = judge_field({"DNA": dense, "Brightfield": np.full(SHAPE, 9000, np.uint16)})
    assert flags.sentence() == "no quality flags"


def test_half_of_the_stains_decide_about_focus():
    sharp = PlaneQuality(0, 1, 0.5, 1)
    soft = PlaneQuality(0, 1, 0.27, 1)
    empty = PlaneQuality(0, 0.1, 0.27, 1)
    assert QualityFlags({"a": sharp, "b": soft}).is_out_of_focus
    assert not QualityFlags({"a": sharp, "b": sharp, "c": soft}).is_out_of_focus
    assert not QualityFlags({"a": sharp, "b": empty}).is_out_of_focus
    assert not QualityFlags({"a": empty, "b": empty}).is_out_of_focus
