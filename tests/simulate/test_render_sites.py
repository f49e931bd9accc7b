import numpy as np
import pytest
import torch

from napari_tide.errors import SimulationValueError
from napari_tide.simulate.phenotype import RESPONSES
from napari_tide.simulate.render import CHANNELS, OpticsOfSite, render_sites


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads that wait for each other crawl on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def plain_optics(n, *, gain=1.0, offset=100.0, vignette=0.0, blur_px=0.75, edge=(0.0, 0.0)):
    return OpticsOfSite(
        gain=np.full((n, 5), gain),
        offset=np.full((n, 5), offset),
        vignette=np.full(n, vignette),
        blur_px=np.full(n, blur_px),
        edge=np.tile(edge, (n, 1)).astype(float),
    )


def render(n=1, *, seeds=None, image_px=96, reproducible=True, morphology=None, **optics):
    morphology = np.zeros((n, len(RESPONSES))) if morphology is None else morphology
    return render_sites(
        morphology,
        plain_optics(n, **optics),
        seeds_N=range(n) if seeds is None else seeds,
        image_px=image_px,
        reproducible=reproducible,
    )


def test_a_batch_is_sites_by_channels_by_pixels_in_16_bits():
    images = render(3, image_px=64)
    assert images.shape == (3, len(CHANNELS), 64, 64)
    assert images.dtype == np.uint16


def test_a_site_alone_equals_the_site_in_a_batch():
    rng = np.random.default_rng(0)
    morphology = rng.standard_normal((5, len(RESPONSES)))
    optics = OpticsOfSite(
        gain=rng.uniform(0.7, 1.4, (5, 5)),
        offset=rng.uniform(90, 110, (5, 5)),
        vignette=rng.uniform(0, 0.4, 5),
        blur_px=rng.uniform(0.5, 2.5, 5),
        edge=rng.uniform(-0.2, 0.2, (5, 2)),
    )
    kwargs = {"image_px": 112, "reproducible": True}
    together = render_sites(morphology, optics, seeds_N=[5, 6, 7, 8, 9], **kwargs)
    alone = render_sites(morphology[3:4], optics.of(slice(3, 4)), seeds_N=[8], **kwargs)
    np.testing.assert_array_equal(alone[0], together[3])


def test_the_quick_mode_repeats_itself_and_shows_the_same_cells():
    exact = render(2, reproducible=True).astype(float)
    quick = render(2, reproducible=False)
    np.testing.assert_array_equal(quick, render(2, reproducible=False))
    smooth = [image.reshape(2, 5, 12, 8, 12, 8).mean((3, 5)) for image in (exact, quick)]
    assert np.corrcoef(smooth[0].ravel(), smooth[1].ravel())[0, 1] > 0.995


def test_another_seed_gives_other_cells():
    images = render(2, seeds=[1, 2]).astype(float)
    assert np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1] < 0.6


def test_no_site_is_an_empty_batch():
    assert render(0).shape == (0, len(CHANNELS), 96, 96)


def test_a_field_without_cells_is_background_and_noise():
    morphology = np.full((1, len(RESPONSES)), -10.0)
    images = [render(morphology=morphology, seeds=[seed], image_px=16) for seed in range(12)]
    assert min(int(image.max()) for image in images) < 115


@pytest.mark.parametrize("device", ["cuda:99", "warp"])
def test_a_device_that_is_not_there_is_refused(device):
    with pytest.raises(SimulationValueError, match=r"Available: \['cpu'"):
        render_sites(
            np.zeros((1, len(RESPONSES))),
            plain_optics(1),
            seeds_N=[0],
            image_px=32,
            device=device,
        )


@pytest.mark.parametrize("wrong", ["columns", "rows", "nan", "size", "seed"])
def test_impossible_input_is_refused(wrong):
    morphology = np.zeros((2, len(RESPONSES)))
    seeds, image_px = [1, 2], 32
    if wrong == "columns":
        morphology = morphology[:, :-1]
    if wrong == "rows":
        seeds = [1]
    if wrong == "nan":
        morphology[0, 0] = np.nan
    if wrong == "seed":
        seeds = [1, -2]
    if wrong == "size":
        image_px = 4
    with pytest.raises(SimulationValueError, match="expected"):
        render_sites(morphology, plain_optics(2), seeds_N=seeds, image_px=image_px)
