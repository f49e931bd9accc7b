"""Image planes, read one at a time from whatever file or store holds them.

Formats are told by content, not by suffix: TIFF (also BigTIFF, OME-TIFF, tiled, LZW, deflate),
PNG, JPEG, JPEG 2000, ``.npy`` and zarr arrays. Everything that is wrong with a file comes out as
one sentence naming it, so that a run over a plate can list the field and go on.
"""

from __future__ import annotations

import json
import struct
import tokenize
import zlib
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from napari_tide.errors import PlaneFormatError, PlaneMissingError
from napari_tide.imaging.encoded_plane import encoded_shape, read_encoded
from napari_tide.imaging.zarr_plane import is_zarr, read_zarr, zarr_shape
from napari_tide.plane_address import PlaneAddress

Plane = npt.NDArray[np.generic]

_COPY_AGAIN = "it is damaged or cut short: copy it again from its source, or leave the site out"

# What decoders raise on damaged input (found by altering bytes at random). imagecodecs' own errors
# are RuntimeErrors, numpy parses .npy headers as Python, and a damaged header can ask for more
# memory than there is.
_DECODE_ERRORS = (
    ValueError,
    RuntimeError,
    LookupError,
    TypeError,
    EOFError,
    MemoryError,
    OverflowError,
    SyntaxError,
    tokenize.TokenError,
    struct.error,
    zlib.error,
    json.JSONDecodeError,
)


def read_plane(address: PlaneAddress) -> Plane:
    """Read one plane as a 2-D array in its own type, in the machine's byte order.

    Raises
    ------
    PlaneMissingError
        The file is not there.
    PlaneFormatError
        The file is no image, is cut short, or holds something else than one grey plane of
        integers or finite numbers.
    """
    _require_present(address)
    try:
        plane = read_zarr(address) if is_zarr(address.path) else read_encoded(address)
    except PlaneFormatError:
        raise
    except OSError as error:
        _refuse_unreadable(address, error)
    except _DECODE_ERRORS as error:
        message = f"{address} cannot be decoded ({_reason(error)}); {_COPY_AGAIN}"
        raise PlaneFormatError(message) from error
    return _one_grey_plane(plane, address)


def plane_shape(address: PlaneAddress) -> tuple[int, int]:
    """Give a plane's height and width from its header.

    Only JPEG and JPEG 2000 are decoded for it.

    Raises
    ------
    PlaneMissingError, PlaneFormatError
        As for `read_plane`; pixels that are cut short go unnoticed.
    """
    _require_present(address)
    try:
        shape = zarr_shape(address) if is_zarr(address.path) else encoded_shape(address)
    except PlaneFormatError:
        raise
    except OSError as error:
        _refuse_unreadable(address, error)
    except _DECODE_ERRORS as error:
        message = f"{address} has no readable header ({_reason(error)}); {_COPY_AGAIN}"
        raise PlaneFormatError(message) from error
    return _height_and_width(shape, address)


def _require_present(address: PlaneAddress) -> None:
    if not address.path.exists():
        message = f"{address.path} is not there; check the images folder or give it with --images"
        raise PlaneMissingError(message)


def _refuse_unreadable(address: PlaneAddress, error: OSError) -> NoReturn:
    message = f"{address.path} cannot be read ({_reason(error)}); check its permissions and disk"
    raise PlaneFormatError(message) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    first_line, *_ = str(error).strip().splitlines() or [""]
    return first_line[:120].rstrip(".;") or type(error).__name__


def _one_grey_plane(plane: Plane, address: PlaneAddress) -> Plane:
    _height_and_width(plane.shape, address)
    if plane.dtype.kind not in "uif":
        message = (
            f"{address} holds {plane.dtype} pixels, expected integers or real numbers; "
            "masks and complex images cannot be used as a channel"
        )
        raise PlaneFormatError(message)
    native = plane.reshape(plane.shape[-2:]).astype(plane.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind == "f" and not np.isfinite(native).all():
        message = f"{address} holds NaN or infinite pixels; replace them or leave the site out"
        raise PlaneFormatError(message)
    return native


def _height_and_width(shape: tuple[int, ...], address: PlaneAddress) -> tuple[int, int]:
    if 0 in shape:
        message = f"{address} has no pixels (shape {shape}); leave the site out"
        raise PlaneFormatError(message)
    if len(shape) != 2 + shape[:-2].count(1):
        is_colour = len(shape) > 1 and shape[-1] in (3, 4)
        hint = "; save each colour as a grey image of its own" if is_colour else ""
        message = f"{address} has shape {shape}, expected one grey plane (height, width){hint}"
        raise PlaneFormatError(message)
    return shape[-2], shape[-1]
