import numpy as np
import pytest
import tifffile

from napari_tide.errors import PlaneFormatError, PlaneMissingError
from napari_tide.imaging.field import read_field
from napari_tide.plane_address import PlaneAddress


@pytest.fixture
def addresses(tmp_path):
    random = np.random.default_rng(0)
    found = {}
    for number, name in enumerate(["DNA", "ER", "AGP"]):
        path = tmp_path / f"{name}.tif"
        pixels = random.integers(0, 1000 * (number + 1), (40, 50)).astype(np.uint16)
        tifffile.imwrite(path, pixels, compression="lzw" if number else None)
        found[name] = PlaneAddress(path)
    return found


def test_channels_come_in_the_order_asked_for(addresses):
    field = read_field(addresses, channels=["AGP", "DNA"])
    assert field.dtype == np.uint16
    for plane, name in zip(field, ["AGP", "DNA"], strict=True):
        np.testing.assert_array_equal(plane, tifffile.imread(addresses[name].path))


def test_a_channel_that_was_not_imaged_is_never_made_up(addresses):
    with pytest.raises(
        PlaneMissingError, match=r"no Mito plane.*Available: \['AGP', 'DNA', 'ER'\]"
    ):
        read_field(addresses, channels=["DNA", "Mito"])


def test_the_plane_that_differs_in_shape_is_named(addresses):
    tifffile.imwrite(addresses["ER"].path, np.zeros((40, 51), np.uint16))
    with pytest.raises(PlaneFormatError, match=r"ER\.tif has shape \(40, 51\), but .*DNA\.tif"):
        read_field(addresses, channels=["DNA", "ER"])


def test_the_plane_that_is_cut_short_is_named(addresses):
    path = addresses["AGP"].path
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(PlaneFormatError, match=r"AGP\.tif cannot be decoded"):
        read_field(addresses, channels=["DNA", "AGP"])
