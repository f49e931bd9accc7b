"""Planes kept as one encoded file: TIFF, PNG, JPEG, JPEG 2000, ``.npy``.

TIFF goes through libtiff (``imagecodecs.tiff_decode``), which took half the time of tifffile on
single-strip LZW planes as microscopes write them (6.1 against 12.1 ms for 1080 x 1080 uint16), and
refuses every truncation tried. tifffile reads what libtiff cannot (JPEG 2000 inside TIFF) and
single pages of large files, where decoding must not mean reading all of it.
"""

from __future__ import annotations

import io
import logging
import struct
from collections.abc import Callable

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from napari_tide.errors import PlaneFormatError
from napari_tide.plane_address import PlaneAddress

Plane = npt.NDArray[np.generic]

_WHOLE_FILE_BYTES = 64 * 2**20
_MAGIC_BYTES = 12
_JPEG_END = b"\xff\xd9"

# tifffile logs what is wrong with a file before raising; the error already says it
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_encoded(address: PlaneAddress) -> Plane:
    """Decode the plane an address names; decoders' errors pass through."""
    if _wants_one_page_only(address):
        with address.path.open("rb") as file:
            if _kind_of(file.read(_MAGIC_BYTES), address) == "tiff":
                return _read_tiff_page(address)
    data = address.path.read_bytes()
    kind = _kind_of(data[:_MAGIC_BYTES], address)
    if kind == "tiff":
        return _decode_tiff(data, address)
    _require_first_page(address)
    return _DECODERS[kind](data)


def encoded_shape(address: PlaneAddress) -> tuple[int, ...]:
    """Give the shape a plane will decode to, from its header where the format has one."""
    with address.path.open("rb") as file:
        head = file.read(32)
        kind = _kind_of(head, address)
        if kind == "npy":
            file.seek(0)
            return _npy_shape(file)
    if kind == "tiff":
        with tifffile.TiffFile(address.path) as tiff:
            return tuple(tiff.pages[_page_of(address, len(tiff.pages))].shape)
    if kind == "png":
        width, height = struct.unpack(">II", head[16:24])
        return height, width
    return read_encoded(address).shape


def _kind_of(head: bytes, address: PlaneAddress) -> str:
    if not head:
        message = f"{address.path} is empty (0 bytes); copy it again from its source"
        raise PlaneFormatError(message)
    for magic, kind in _MAGICS.items():
        if head.startswith(magic):
            return kind
    message = (
        f"{address.path} is not an image that can be read: it starts with {head[:8]!r}; "
        "expected TIFF, PNG, JPEG, JPEG 2000, .npy or a zarr array"
    )
    raise PlaneFormatError(message)


def _wants_one_page_only(address: PlaneAddress) -> bool:
    return address.index("page") > 0 or address.path.stat().st_size > _WHOLE_FILE_BYTES


def _read_tiff_page(address: PlaneAddress) -> Plane:
    with tifffile.TiffFile(address.path) as tiff:
        page = tiff.pages[_page_of(address, len(tiff.pages))]
        plane: Plane = page.asarray(maxworkers=1)
        return plane


def _decode_tiff(data: bytes, address: PlaneAddress) -> Plane:
    try:
        plane: Plane = imagecodecs.tiff_decode(data, index=0)
    except imagecodecs.TiffError as error:
        if "not implemented" not in str(error) and "not configured" not in str(error):
            raise
        return _read_tiff_page(address)
    return plane


def _page_of(address: PlaneAddress, n_pages: int) -> int:
    page = address.index("page")
    if page >= n_pages:
        message = f"{address.path} has {n_pages} pages (0 to {n_pages - 1}), none with #page={page}"
        raise PlaneFormatError(message)
    return page


def _require_first_page(address: PlaneAddress) -> None:
    if address.index("page"):
        message = f"{address} names a page, but only TIFF files have pages; drop #page"
        raise PlaneFormatError(message)


def _decode_jpeg(data: bytes) -> Plane:
    # libjpeg fills what is missing with grey instead of failing
    if data.rfind(_JPEG_END, -1024) < 0:
        message = "JPEG without its end marker"
        raise ValueError(message)
    plane: Plane = imagecodecs.jpeg_decode(data)
    return plane


def _decode_npy(data: bytes) -> Plane:
    plane: Plane = np.load(io.BytesIO(data), allow_pickle=False)
    return plane


def _npy_shape(file: io.BufferedReader) -> tuple[int, ...]:
    major, _ = np.lib.format.read_magic(file)
    read_header = (
        np.lib.format.read_array_header_1_0
        if major == 1
        else np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, *_ = read_header(file)
    return shape


_MAGICS = {
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"\0\0\0\x0cjP  ": "jpeg2000",
    b"\xff\x4f\xff\x51": "jpeg2000",
    b"\x93NUMPY": "npy",
}
_DECODERS: dict[str, Callable[[bytes], Plane]] = {
    "png": imagecodecs.png_decode,
    "jpeg": _decode_jpeg,
    "jpeg2000": imagecodecs.jpeg2k_decode,
    "npy": _decode_npy,
}
