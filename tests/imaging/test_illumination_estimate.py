import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.illumination_estimate import estimate_illumination, trimmed_mean
from napari_tide.plane_address import PlaneAddress

SHAPE = (180, 240)


def vignette(shape=SHAPE):
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.exp(-0.35 * ((x - 0.2) ** 2 + (y + 0.1) ** 2)) * (1 + 0.1 * x)


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """Simulated fields: soft, crowded cells of very different brightness from well to well."""
    folder = tmp_path_factory.mktemp("plate")
    random = np.random.default_rng(0)
    addresses = []
    for number in range(80):
        cells = np.zeros(SHAPE)
        np.add.at(cells, tuple(random.integers(0, n, 400) for n in SHAPE), random.lognormal(0, 0.5))
        light = ndimage.gaussian_filter(cells, 5, mode="wrap")
        field = (200 + 1e5 * light) * random.lognormal(0, 0.4) * vignette()
        path = folder / f"f{number:03d}.tif"
        tifffile.imwrite(path, random.poisson(np.minimum(field, 65535)).astype(np.uint16))
        addresses.append(PlaneAddress(path))
    return addresses


def normalised(surface):
    return surface / surface.mean()


def test_a_known_vignette_comes_back(plate):
    found = normalised(estimate_illumination(plate).evaluate(SHAPE))
    # as in CellProfiler, the darkest 2 % count as the robust minimum
    truth = np.maximum(vignette(), np.quantile(vignette(), 0.02))
    error = np.abs(found / normalised(truth) - 1)
    assert np.quantile(error, 0.99) < 0.05
    assert error.mean() < 0.02
    assert np.ptp(normalised(vignette())) > 0.6  # there was something to find


def test_the_estimate_agrees_with_averaging_whole_planes(plate):
    planes = [tifffile.imread(address.path).astype(float) for address in plate]
    plain = np.mean([plane / plane.mean() for plane in planes], axis=0)
    direct = normalised(ndimage.gaussian_filter(plain, 18, mode="nearest"))
    found = normalised(estimate_illumination(plate).evaluate(SHAPE))
    inner = np.s_[30:-30, 30:-30]
    assert np.abs(found / direct - 1)[inner].max() < 0.04


def test_the_robust_minimum_is_one(plate):
    surface = estimate_illumination(plate[:5]).evaluate(SHAPE)
    assert surface.min() == 1
    assert np.quantile(surface, 0.02) == pytest.approx(1, abs=1e-4)
    assert np.quantile(surface, 0.05) > 1


def test_the_trimmed_mean_leaves_out_the_extremes():
    values = np.random.default_rng(0).random((10, 3, 4)).astype(np.float32)
    expected = np.empty((3, 4))
    for row in range(3):
        for column in range(4):
            expected[row, column] = sum(sorted(values[:, row, column].tolist())[2:8]) / 6
    np.testing.assert_allclose(trimmed_mean(values, 0.2), expected, rtol=1e-6)


def test_the_sample_is_the_same_every_time_and_spread_over_the_plate(plate):
    addresses = plate[:12]
    first = estimate_illumination(addresses, max_planes=5).evaluate(SHAPE)
    again = estimate_illumination(addresses[::-1], max_planes=5).evaluate(SHAPE)
    np.testing.assert_array_equal(first, again)
    few = estimate_illumination([addresses[i] for i in (0, 3, 6, 8, 11)]).evaluate(SHAPE)
    np.testing.assert_array_equal(first, few)


def test_unreadable_and_blank_planes_are_passed_over(plate, tmp_path, caplog):
    addresses = plate[:4]
    (tmp_path / "bad.tif").write_bytes(b"II*\0 cut")
    tifffile.imwrite(tmp_path / "blank.tif", np.zeros(SHAPE, np.uint16))
    broken = [PlaneAddress(tmp_path / name) for name in ("bad.tif", "blank.tif", "gone.tif")]
    found = estimate_illumination([*addresses, *broken])
    np.testing.assert_array_equal(
        found.evaluate(SHAPE), estimate_illumination(addresses).evaluate(SHAPE)
    )
    for name in ("bad.tif", "blank.tif is blank", "gone.tif"):
        assert any(name in message for message in caplog.messages)


def test_too_few_planes_are_refused(plate):
    with pytest.raises(ImagingValueError, match="only 2 of 2 planes can be used"):
        estimate_illumination(plate[:2])
