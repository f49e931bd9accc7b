import numpy as np
import pytest
import tifffile

from napari_tide.errors import OutputWriteError, SimulationValueError
from napari_tide.simulate.tiff import write_plane_tiff


@pytest.fixture
def plane():
    return np.random.default_rng(0).poisson(90, (40, 56)).astype(np.uint16)


def test_a_plane_reads_back_as_written(tmp_path, plane):
    write_plane_tiff(tmp_path / "a.tiff", plane)
    read = tifffile.imread(tmp_path / "a.tiff")
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, plane)


def test_the_horizontal_predictor_and_deflate_are_used(tmp_path, plane):
    write_plane_tiff(tmp_path / "a.tiff", plane)
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        tags = {tag.name: tag.value for tag in file.pages[0].tags.values()}
    assert (tags["Compression"], tags["Predictor"]) == (8, 2)
    assert "DateTime" not in tags
    assert "Software" not in tags


def test_equal_planes_give_equal_bytes(tmp_path, plane):
    for name in ("a.tiff", "b.tiff"):
        write_plane_tiff(tmp_path / name, plane, pixel_size_um=0.65)
    assert (tmp_path / "a.tiff").read_bytes() == (tmp_path / "b.tiff").read_bytes()


def test_the_pixel_size_is_kept_as_pixels_per_centimetre(tmp_path, plane):
    write_plane_tiff(tmp_path / "a.tiff", plane, pixel_size_um=0.65)
    with tifffile.TiffFile(tmp_path / "a.tiff") as file:
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert file.pages[0].tags["ResolutionUnit"].value == 3
    assert numerator / denominator == pytest.approx(1e4 / 0.65, rel=1e-6)


def test_a_second_reader_decodes_the_plane(tmp_path, plane):
    cv2 = pytest.importorskip("cv2")
    write_plane_tiff(tmp_path / "a.tiff", plane)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.tiff"), cv2.IMREAD_UNCHANGED), plane)


@pytest.mark.parametrize("bad", [np.zeros((2, 3, 4), np.uint16), np.zeros((3, 4), np.float32)])
def test_what_is_no_16_bit_plane_is_refused(tmp_path, bad):
    with pytest.raises(SimulationValueError, match="expected 2-D uint16"):
        write_plane_tiff(tmp_path / "a.tiff", bad)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path, plane):
    with pytest.raises(OutputWriteError, match="cannot be written"):
        write_plane_tiff(tmp_path / "nowhere" / "a.tiff", plane)
