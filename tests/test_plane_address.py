from pathlib import Path

import pytest

from napari_tide.plane_address import PlaneAddress


@pytest.mark.parametrize(
    "text", ["a.tif", "P.zarr/B/03/0/0#c=1&t=0&z=2", "Index.idx.xml#channel=5"]
)
def test_an_address_is_written_as_it_was_read(text):
    assert str(PlaneAddress.parse(text)) == text


def test_an_index_of_thousands_of_digits_is_part_of_the_name():
    text = "a.tif#c=" + "9" * 5000
    assert PlaneAddress.parse(text) == PlaneAddress(Path(text))
