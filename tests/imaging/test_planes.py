import os

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
import zarr

from napari_tide.errors import PlaneFormatError, PlaneMissingError
from napari_tide.imaging.planes import plane_shape, read_plane
from napari_tide.plane_address import PlaneAddress


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(100, 60000, (70, 91)).astype(np.uint16)


def at(path, fragment=""):
    return PlaneAddress.parse(f"{path}{fragment}")


TIFF_KINDS = {
    "plain": {},
    "one strip": {"rowsperstrip": 70},
    "lzw": {"compression": "lzw"},
    "lzw in strips": {"compression": "lzw", "rowsperstrip": 8},
    "lzw with predictor": {"compression": "lzw", "predictor": True},
    "deflate tiles": {"compression": "zlib", "tile": (32, 32)},
    "zstd": {"compression": "zstd"},
    "jpeg 2000 inside": {"compression": "jpeg2000"},
    "big-endian": {"byteorder": ">"},
    "BigTIFF": {"bigtiff": True},
}


@pytest.mark.parametrize("options", TIFF_KINDS.values(), ids=TIFF_KINDS)
def test_tiff_of_every_kind_reads_as_written(tmp_path, pixels, options):
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, pixels, **options)
    plane = read_plane(at(path))
    np.testing.assert_array_equal(plane, pixels)
    assert plane.dtype == np.uint16
    assert plane.dtype.isnative
    assert plane_shape(at(path)) == (70, 91)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i2", "f4", "f8"])
def test_tiff_keeps_its_type(tmp_path, pixels, kind):
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, (pixels % 250).astype(kind))
    assert read_plane(at(path)).dtype == np.dtype(kind)


def test_a_page_is_picked_by_its_address(tmp_path, pixels):
    path = tmp_path / "stack.ome.tif"
    stack = np.stack([pixels, pixels + 1, pixels + 2])
    tifffile.imwrite(path, stack, photometric="minisblack", metadata={"axes": "CYX"})
    for page in range(3):
        np.testing.assert_array_equal(read_plane(at(path, f"#page={page}")), stack[page])
    with pytest.raises(PlaneFormatError, match=r"has 3 pages \(0 to 2\), none with #page=3"):
        read_plane(at(path, "#page=3"))
    with pytest.raises(PlaneFormatError, match="none with #page=3"):
        plane_shape(at(path, "#page=3"))


@pytest.mark.parametrize("suffix", ["png", "jp2", "tif"])
def test_sixteen_bit_files_of_another_library_read_alike(tmp_path, pixels, suffix):
    path = tmp_path / f"plane.{suffix}"
    lossless = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if suffix == "jp2" else []
    cv2.imwrite(str(path), pixels, lossless)
    np.testing.assert_array_equal(read_plane(at(path)), pixels)
    assert plane_shape(at(path)) == pixels.shape


def test_eight_bit_jpeg_reads_as_another_library_reads_it(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    path = tmp_path / "plane.jpg"
    cv2.imwrite(str(path), smooth, [cv2.IMWRITE_JPEG_QUALITY, 95])
    expected = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert np.abs(read_plane(at(path)).astype(int) - expected).max() <= 1
    assert plane_shape(at(path)) == (64, 80)


def test_npy_reads_in_native_byte_order(tmp_path, pixels):
    path = tmp_path / "plane.npy"
    np.save(path, pixels.astype(">u2")[None])
    plane = read_plane(at(path))
    np.testing.assert_array_equal(plane, pixels)
    assert plane.dtype.isnative
    assert plane_shape(at(path)) == pixels.shape


def write_image_group(path, data, axes, version):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    group.create_array("0", data=data, chunks=(*(1,) * (data.ndim - 2), *data.shape[-2:]))
    image = [{"axes": [{"name": axis} for axis in axes], "datasets": [{"path": "0"}]}]
    if version == 2:
        group.attrs["multiscales"] = image
    else:
        group.attrs["ome"] = {"version": "0.5", "multiscales": image}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("inner", ["B/03/0/0", "B/03/0"], ids=["array", "image group"])
def test_zarr_planes_follow_the_axes_of_their_image(tmp_path, version, inner):
    data = np.arange(2 * 3 * 5 * 7, dtype=np.uint16).reshape(2, 3, 5, 7)
    write_image_group(tmp_path / "p.zarr" / "B" / "03" / "0", data, "zcyx", version)
    address = at(tmp_path / "p.zarr" / inner, "#c=2&z=1")
    np.testing.assert_array_equal(read_plane(address), data[1, 2])
    assert plane_shape(address) == (5, 7)


def test_zarr_without_metadata_is_read_as_t_c_z_y_x(tmp_path):
    data = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    zarr.create_array(tmp_path / "bare.zarr", data=data)
    np.testing.assert_array_equal(read_plane(at(tmp_path / "bare.zarr", "#c=1&z=2")), data[1, 2])


def test_zarr_refuses_indices_that_do_not_exist(tmp_path):
    write_image_group(tmp_path / "i.zarr", np.zeros((3, 5, 7), np.uint8), "cyx", 3)
    with pytest.raises(PlaneFormatError, match="asks for c=3, but that axis has 3 entries"):
        read_plane(at(tmp_path / "i.zarr", "#c=3"))
    with pytest.raises(PlaneFormatError, match="names 'page', but the array's axes are c, y, x"):
        read_plane(at(tmp_path / "i.zarr", "#page=1"))


def test_a_damaged_zarr_chunk_is_one_sentence(tmp_path, pixels):
    array = zarr.create_array(tmp_path / "a.zarr", data=pixels)
    chunk = next(p for p in (tmp_path / "a.zarr" / "c").rglob("*") if p.is_file())
    os.truncate(chunk, 100)
    with pytest.raises(PlaneFormatError, match=r"a\.zarr cannot be decoded"):
        read_plane(at(tmp_path / "a.zarr"))
    (tmp_path / "a.zarr" / "zarr.json").write_text("{bad")
    with pytest.raises(PlaneFormatError, match=r"a\.zarr cannot be decoded"):
        read_plane(at(tmp_path / "a.zarr"))
    assert array.shape == pixels.shape


def encode_tiff(pixels, tmp_path, **options):
    tifffile.imwrite(tmp_path / "whole.tif", pixels, **options)
    return (tmp_path / "whole.tif").read_bytes()


ENCODERS = {
    "tiff": encode_tiff,
    "tiff one strip": lambda p, d: encode_tiff(p, d, rowsperstrip=70),
    "tiff lzw": lambda p, d: encode_tiff(p, d, compression="lzw"),
    "tiff deflate tiles": lambda p, d: encode_tiff(p, d, compression="zlib", tile=(32, 32)),
    "tiff jpeg 2000": lambda p, d: encode_tiff(p, d, compression="jpeg2000"),
    "png": lambda p, d: bytes(imagecodecs.png_encode(p)),
    "jpeg 2000": lambda p, d: bytes(imagecodecs.jpeg2k_encode(p, level=0)),
    "jpeg": lambda p, d: bytes(imagecodecs.jpeg_encode((p >> 8).astype(np.uint8))),
}


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("share", [0.98, 0.5, 0.02])
def test_a_file_cut_short_is_refused(tmp_path, pixels, encode, share):
    whole = encode(pixels, tmp_path)
    path = tmp_path / "cut"
    path.write_bytes(whole)
    assert read_plane(at(path)).shape == pixels.shape
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(PlaneFormatError, match=r"cut.*cut short: copy it again"):
        read_plane(at(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\)"),
        (b"plate,well\nP1,A01\n", "is not an image that can be read: it starts with b'plate,we'"),
        (b"II*\0", "cannot be decoded"),
        (b"\x93NUMPY\x01\0", "cannot be decoded"),
        (b"\x93NUMPY\x01\0\x10\0{'descr': '<u2', ", "cannot be decoded"),
    ],
    ids=["empty", "text", "only a TIFF mark", "only an npy mark", "half an npy header"],
)
def test_files_that_are_no_image_are_refused(tmp_path, content, message):
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(PlaneFormatError, match=message):
        read_plane(at(tmp_path / "x.tif"))
    with pytest.raises(PlaneFormatError, match=r"x\.tif"):
        plane_shape(at(tmp_path / "x.tif"))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 9, 3), np.uint8), r"shape \(8, 9, 3\).*each colour as a grey image"),
        (np.zeros((2, 8, 9), np.uint8), r"shape \(2, 8, 9\), expected one grey plane"),
        (np.zeros(8, np.uint8), r"shape \(8,\), expected one grey plane"),
        (np.zeros((0, 9), np.uint8), "has no pixels"),
        (np.zeros((8, 9), np.complex64), "holds complex64 pixels"),
        (np.zeros((8, 9), bool), "holds bool pixels"),
        (np.array([["a"]]), "holds <U1 pixels"),
        (np.full((8, 9), np.nan, np.float32), "holds NaN or infinite pixels"),
        (np.array([[object()]]), "cannot be decoded"),
    ],
    ids=["colour", "stack", "row", "no pixels", "complex", "mask", "text", "NaN", "pickle"],
)
def test_arrays_that_are_no_plane_are_refused(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(PlaneFormatError, match=message):
        read_plane(at(tmp_path / "x.npy"))


def test_colour_images_are_refused(tmp_path):
    colour = np.zeros((20, 30, 3), np.uint8)
    tifffile.imwrite(tmp_path / "c.tif", colour, photometric="rgb")
    cv2.imwrite(str(tmp_path / "c.png"), colour)
    for name in ("c.tif", "c.png"):
        with pytest.raises(PlaneFormatError, match="each colour as a grey image"):
            read_plane(at(tmp_path / name))


def test_absent_files_and_plain_folders_are_named(tmp_path):
    for read in (read_plane, plane_shape):
        with pytest.raises(PlaneMissingError, match=r"gone\.tif is not there"):
            read(at(tmp_path / "gone.tif"))
        with pytest.raises(PlaneFormatError, match="is a folder without zarr metadata"):
            read(at(tmp_path))


def test_a_page_of_a_format_without_pages_is_refused(tmp_path, pixels):
    cv2.imwrite(str(tmp_path / "p.png"), pixels)
    with pytest.raises(PlaneFormatError, match="only TIFF files have pages"):
        read_plane(at(tmp_path / "p.png", "#page=1"))
