import numpy as np
import pytest
import tifffile

from napari_tide.screens.well import Well
from napari_tide.viewmodels.field_planes import read_field

CHANNELS = ["DNA", "ER", "Mito"]


@pytest.fixture
def site(screen):
    return screen.site("P1", Well.parse("B02"), 1)


def test_every_channel_is_read(site, code_of):
    field = read_field(site, CHANNELS)
    assert [int(plane[0, 0]) for plane in field.planes.values()] == [
        code_of("P1", "B02", 1, channel) for channel in CHANNELS
    ]
    assert field.problem() == ""


def test_a_missing_file_blanks_its_channel_and_says_so(site):
    site.planes["ER"].path.unlink()
    field = read_field(site, CHANNELS)
    assert field.planes["ER"].shape == (64, 64)
    assert not field.planes["ER"].any()
    assert field.planes["Mito"].any()
    assert field.problem().startswith("ER of well B02 left blank: ")
    assert "is not there" in field.problem()


def test_a_truncated_file_blanks_its_channel(site):
    path = site.planes["DNA"].path
    path.write_bytes(path.read_bytes()[:500])
    field = read_field(site, CHANNELS)
    assert not field.planes["DNA"].any()
    assert field.planes["ER"].any()
    assert str(path) in field.problem()


def test_an_odd_size_blanks_its_channel(site):
    tifffile.imwrite(site.planes["Mito"].path, np.ones((32, 64), np.uint16))
    field = read_field(site, CHANNELS)
    assert field.planes["Mito"].shape == (64, 64)
    assert "(32, 64)" in field.problem()


def test_a_channel_that_was_not_imaged_is_blank(site):
    field = read_field(site, [*CHANNELS, "AGP"])
    assert not field.planes["AGP"].any()
    assert "site 1 has no AGP image" in field.problem()


def test_a_field_with_nothing_readable_is_blank_in_the_shape_asked_for(site):
    for address in site.planes.values():
        address.path.unlink()
    field = read_field(site, CHANNELS, blank_shape=(7, 9))
    assert {plane.shape for plane in field.planes.values()} == {(7, 9)}
    assert list(field.faults) == CHANNELS
