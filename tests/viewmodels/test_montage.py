import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_tide.errors import OutputWriteError
from napari_tide.screens.well import Well
from napari_tide.viewmodels.montage import plate_montage, write_png

PITCH, MARGIN = 35, 30


def box(picture, name):
    well = Well.parse(name)
    top, left = MARGIN + well.row * PITCH, MARGIN + well.column * PITCH
    return picture[top : top + 32, left : left + 32]


def test_wells_lie_in_plate_layout(screen):
    picture = plate_montage(screen, "P1", well_px=32)
    assert picture.shape == (MARGIN + 8 * PITCH, MARGIN + 12 * PITCH, 3)
    assert len(np.unique(box(picture, "B02"))) > 10
    assert np.ptp(box(picture, "C04")) == 0


def test_brightness_is_shared_so_a_darker_well_is_darker(screen):
    path = screen.site("P1", Well.parse("C03"), 1).planes["DNA"].path
    tifffile.imwrite(path, tifffile.imread(path) // 4)
    picture = plate_montage(screen, "P1", well_px=32)
    assert box(picture, "C03")[..., 2].mean() < box(picture, "C02")[..., 2].mean() - 5


def test_a_missing_plane_leaves_the_rest_of_the_plate(screen):
    for address in screen.site("P1", Well.parse("B02"), 1).planes.values():
        address.path.unlink()
    picture = plate_montage(screen, "P1", well_px=32)
    assert not box(picture, "B02").any()
    assert box(picture, "B03").any()


def test_rows_and_columns_are_named(screen):
    picture = plate_montage(screen, "P1", well_px=32)
    assert (picture[:, :MARGIN] > 200).any()
    assert (picture[:MARGIN] > 200).any()


def test_a_written_picture_reads_back(screen, tmp_path):
    picture = plate_montage(screen, "P1", well_px=8)
    write_png(picture, tmp_path / "new" / "montage.png")
    read = imagecodecs.png_decode((tmp_path / "new" / "montage.png").read_bytes())
    np.testing.assert_array_equal(read, picture)


def test_a_picture_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match="choose another --out"):
        write_png(np.zeros((4, 4, 3), np.uint8), tmp_path / "file" / "montage.png")
