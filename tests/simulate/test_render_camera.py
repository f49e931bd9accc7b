import numpy as np
import pytest
import torch
from scipy import ndimage as ndi

from napari_tide.simulate.camera import (
    COUNTS_PER_PHOTON,
    READ_NOISE_PHOTONS,
    SATURATION_COUNTS,
    SiteOptics,
    blur,
    digitise,
    expose,
)


def optics(n=1, *, gain=1.0, offset=0.0, vignette=0.0, blur_px=0.7, edge=(0.0, 0.0)):
    def full(*shape, value):
        return torch.full(shape, value, dtype=torch.float64)

    return SiteOptics(
        gain=full(n, 5, value=gain),
        offset=full(n, 5, value=offset),
        vignette=full(n, value=vignette),
        blur_px=full(n, value=blur_px),
        edge=torch.tensor([edge] * n, dtype=torch.float64),
    )


def flat(photons=100.0, *, n=1, px=32):
    return torch.full((n, 5, px, px), photons, dtype=torch.float64)


@pytest.mark.parametrize("sigma", [0.4, 0.75, 1.5, 2.5])
def test_blur_agrees_with_scipy(sigma):
    image = np.random.default_rng(0).random((1, 2, 24, 31))
    ours = blur(torch.as_tensor(image), torch.tensor([sigma]), longest_blur_px=sigma).numpy()
    radius = int(np.ceil(3 * np.float32(sigma)))
    theirs = ndi.gaussian_filter(image, (0, 0, sigma, sigma), mode="nearest", radius=radius)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_a_site_is_blurred_the_same_beside_a_blurrier_one():
    images = torch.as_tensor(np.random.default_rng(0).random((2, 1, 20, 20)))
    sigma = torch.tensor([0.6, 3.0], dtype=torch.float64)
    together = blur(images, sigma, longest_blur_px=3.0)
    alone = blur(images[:1], sigma[:1], longest_blur_px=0.6)
    assert torch.equal(together[:1], alone)


def test_haze_and_blur_keep_the_light():
    seen = expose(flat(), optics(), longest_blur_px=0.7)
    np.testing.assert_allclose(seen.numpy(), 100.0, rtol=1e-12)


def test_a_vignette_darkens_the_corners_and_spares_the_middle():
    seen = expose(flat(px=33), optics(vignette=0.3), longest_blur_px=0.7)[0, 0]
    assert float(seen[16, 16]) == pytest.approx(100, rel=1e-3)
    assert float(seen[0, 0]) == pytest.approx(100 * (1 - 0.3 * (32 / 33) ** 2), rel=1e-3)


@pytest.mark.parametrize(
    ("edge", "dark", "bright"),
    [((0.4, 0), (16, 31), (16, 0)), ((0, -0.4), (0, 16), (31, 16))],
)
def test_light_falls_toward_the_wells_edge(edge, dark, bright):
    seen = expose(flat(), optics(edge=edge), longest_blur_px=0.7)[0, 0]
    assert float(seen[dark]) < 65
    assert float(seen[bright]) > 99


def test_gain_scales_the_stain_before_the_noise():
    photons, bright = flat(50.0, px=256), optics(gain=4.0)
    normal = torch.as_tensor(np.random.default_rng(0).standard_normal(photons.shape))
    seen = digitise(expose(photons, bright, longest_blur_px=0.7), normal, bright).double()
    assert float(seen.mean()) == pytest.approx(200 * COUNTS_PER_PHOTON, rel=2e-3)


@pytest.mark.parametrize("rate", [20.0, 90.0, 400.0])
def test_noise_has_the_variance_of_photons_and_read_out(rate):
    photons = flat(rate, px=256)
    normal = torch.as_tensor(np.random.default_rng(1).standard_normal(photons.shape))
    counts = digitise(photons, normal, optics(offset=100.0)).double().numpy()
    rounding = 1 / 12
    expected = COUNTS_PER_PHOTON**2 * (rate + READ_NOISE_PHOTONS**2) + rounding
    assert counts.var() == pytest.approx(expected, rel=0.02)
    assert counts.mean() == pytest.approx(100 + COUNTS_PER_PHOTON * rate, rel=1e-3)


def test_counts_stay_within_the_converter():
    photons = torch.cat([flat(0.0), flat(1e6)])
    normal = torch.full_like(photons, -3.0)
    counts = digitise(photons, normal, optics(2))
    assert int(counts.min()) == 0
    assert int(counts.max()) == SATURATION_COUNTS
