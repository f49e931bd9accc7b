import inspect
import re

import numpy as np
import pytest
import torch

from napari_tide.simulate import phenotype
from napari_tide.simulate.cells import REACH_LIMITS_PX, draw_cells
from napari_tide.simulate.layout import MARGIN_PX, mean_cells, scatter_centres
from napari_tide.simulate.outlines import N_DIRECTIONS, direction_bin, trace_outlines
from napari_tide.simulate.phenotype import CELLS_PER_MM2, PIXEL_SIZE_UM, RESPONSES
from napari_tide.simulate.territory import claim_pixels, patch_groups
from napari_tide.simulate.textures import TILE, texture_bank

IMAGE_PX = 72


@pytest.fixture(scope="module")
def drawn():
    morphology = np.random.default_rng(3).standard_normal((2, len(RESPONSES)))
    return draw_cells(morphology, seeds_N=[11, 12], image_px=IMAGE_PX)


@pytest.fixture(scope="module")
def tensors(drawn):
    return {name: torch.as_tensor(value) for name, value in drawn.values.items()}


def test_a_typical_field_of_224_pixels_holds_19_nuclei():
    n_cells = CELLS_PER_MM2 * (224 * PIXEL_SIZE_UM / 1000) ** 2
    assert n_cells == pytest.approx(19, abs=0.2)


def test_responses_rise_over_the_whole_range():
    values = np.linspace(-6, 6, 200)
    for name, response in RESPONSES.items():
        assert (np.diff(response(values)) > 0).all(), name


def test_the_documented_ranges_are_those_of_the_responses():
    source = inspect.getsource(phenotype)
    for name, response in RESPONSES.items():
        row = re.search(rf"^    {name} +([\d.]+) +([\d.]+) +([\d.]+)  (.+)$", source, re.MULTILINE)
        assert row is not None, name
        documented = [float(number) for number in row.groups()[:3]]
        expected = response(np.array([-2.0, 0.0, 2.0]))
        np.testing.assert_allclose(documented, expected, rtol=6e-3, err_msg=name)
        assert row.group(4) == response.quantity


def test_the_number_of_cells_follows_the_density():
    counts = [
        len(scatter_centres(np.random.default_rng(seed), 900.0, image_px=224)) for seed in range(60)
    ]
    assert np.mean(counts) == pytest.approx(mean_cells(900.0, 224), rel=0.06)


def test_centres_keep_apart_and_fill_the_margin():
    nearest, reach = [], []
    for seed in range(20):
        centres = scatter_centres(np.random.default_rng(seed), 900.0, image_px=224)
        apart = np.abs(centres[:, None] - centres) + 1e9 * np.eye(len(centres))
        nearest.append(apart.min(1))
        reach += [centres.real.min(), centres.imag.min()]
    assert np.percentile(np.concatenate(nearest), 5) > 22
    assert -MARGIN_PX <= min(reach) < -MARGIN_PX / 2


def test_no_cell_reaches_past_its_patch(drawn, tensors):
    outlines = trace_outlines(tensors)
    farthest = (outlines.core + outlines.span).max(1).values
    assert bool((farthest <= tensors["reach"] + 1e-9).all())
    assert float(tensors["reach"].max()) <= REACH_LIMITS_PX[1]


def test_direction_bins_are_in_the_order_of_the_angle():
    angle = np.linspace(-np.pi, np.pi, 4000, endpoint=False) + 1e-4
    bins = direction_bin(torch.as_tensor(np.cos(angle)), torch.as_tensor(np.sin(angle))).numpy()
    turned = (bins - bins[0]) % N_DIRECTIONS
    assert (np.diff(turned) >= 0).all()
    assert len(np.unique(bins)) == N_DIRECTIONS


def test_an_ellipse_has_its_axes_and_its_area(tensors):
    one = {name: value[:1].clone() for name, value in tensors.items()}
    one |= {
        "nucleus_radius": torch.tensor([10.0]).double(),
        "nucleus_aspect": torch.tensor([2.25]).double(),
        "nucleus_axis": torch.tensor([0.7]).double(),
        "nucleus_lobes": torch.zeros_like(one["nucleus_lobes"]),
        "notch": torch.zeros(1).double(),
    }
    radius = trace_outlines(one).nucleus[0]
    assert float(radius.max()) == pytest.approx(15, rel=1e-4)
    assert float(radius.min()) == pytest.approx(10 / 1.5, rel=1e-4)
    along = direction_bin(torch.tensor([np.cos(0.7)]), torch.tensor([np.sin(0.7)]))
    assert float(radius[along]) == pytest.approx(15, rel=1e-3)


def test_pixels_go_to_the_cell_with_the_lowest_score(drawn, tensors):
    outlines = trace_outlines(tensors)
    territory = claim_pixels(
        tensors,
        outlines,
        site_M=torch.as_tensor(drawn.site),
        groups=patch_groups(tensors["reach"]),
        n_sites=drawn.n_sites,
        image_px=IMAGE_PX,
    )
    y, x = (torch.as_tensor(g).double() for g in np.indices((IMAGE_PX, IMAGE_PX)))
    for site in range(drawn.n_sites):
        scores = [torch.ones_like(x)]
        members = np.flatnonzero(drawn.site == site)
        for cell in members:
            dx, dy = x - tensors["x"][cell], y - tensors["y"][cell]
            entry = direction_bin(dx, dy)
            score = (torch.hypot(dx, dy) - outlines.core[cell][entry]) / outlines.span[cell][entry]
            scores.append(score.clamp(max=1.0))
        ordered = torch.stack(scores).sort(dim=0, stable=True)
        owner = torch.tensor([len(drawn.site), *members])[ordered.indices[0]]
        half = slice(site * IMAGE_PX**2, (site + 1) * IMAGE_PX**2)
        assert torch.equal(territory.owner[half], owner.reshape(-1))
        expected = ordered.values[1].reshape(-1).clamp(min=-8)
        torch.testing.assert_close(territory.rival[half], expected, rtol=0, atol=1e-8)


def test_textures_are_standard_or_between_none_and_full():
    signed = {"chromatin", "meshwork", "grain", "clouds"}
    for name, tile in texture_bank().items():
        assert tile.shape == (TILE, TILE)
        if name in signed:
            assert tile.std() == pytest.approx(1)
        else:
            assert tile.min() >= 0
            assert tile.max() <= 1


def test_textures_continue_over_their_borders():
    for name, tile in texture_bank().items():
        inside = np.abs(np.diff(tile, axis=0)).mean()
        assert np.abs(tile[0] - tile[-1]).mean() < 1.5 * inside + 0.02, name
