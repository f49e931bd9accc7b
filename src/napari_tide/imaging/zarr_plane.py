"""Planes inside OME-Zarr and plain zarr arrays, versions 2 and 3.

An address may name an array (``plate.zarr/B/03/0/0#c=1``) or the image group above it
(``plate.zarr/B/03/0#c=1``), which stands for its full resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.errors import PlaneFormatError
from napari_tide.plane_address import PlaneAddress

if TYPE_CHECKING:
    import zarr

_MARKERS = ("zarr.json", ".zarray", ".zgroup")
_DEFAULT_AXES = "tczyx"
_PLANE_AXES = ("y", "x")


def is_zarr(path: Path) -> bool:
    """Tell whether a path is a folder, which only a zarr store can be."""
    return path.is_dir()


def read_zarr(address: PlaneAddress) -> npt.NDArray[np.generic]:
    """Read the plane an address picks; zarr's and its codecs' errors pass through."""
    array, axes = _open(address)
    selection = _selection(array.shape, axes, address)
    return np.asarray(array[selection])


def zarr_shape(address: PlaneAddress) -> tuple[int, ...]:
    """Give the shape of the plane an address picks, without reading a chunk."""
    array, axes = _open(address)
    selection = _selection(array.shape, axes, address)
    kept = zip(array.shape, selection, strict=True)
    return tuple(length for length, index in kept if isinstance(index, slice))


def _open(address: PlaneAddress) -> tuple[zarr.Array, tuple[str, ...]]:
    import zarr

    path = address.path
    if not any((path / marker).is_file() for marker in _MARKERS):
        message = f"{path} is a folder without zarr metadata; expected an image file or zarr array"
        raise PlaneFormatError(message)
    node = zarr.open(path, mode="r")
    if isinstance(node, zarr.Group):
        image = _multiscale(node.attrs.asdict())
        datasets = image.get("datasets") if image else None
        if not isinstance(datasets, list) or not datasets:
            message = f"{path} is a zarr group without images; name one of its arrays"
            raise PlaneFormatError(message)
        node = node[datasets[0]["path"]]
        axes = _axis_names(image)
    else:
        parent = path.parent
        is_in_group = any((parent / marker).is_file() for marker in _MARKERS)
        attributes = zarr.open_group(parent, mode="r").attrs.asdict() if is_in_group else {}
        axes = _axis_names(_multiscale(attributes))
    if not len(_PLANE_AXES) <= node.ndim <= len(_DEFAULT_AXES):
        message = f"{path} has {node.ndim} axes; expected 2 (y, x) to 5 (t, c, z, y, x)"
        raise PlaneFormatError(message)
    return node, axes if len(axes) == node.ndim else tuple(_DEFAULT_AXES[-node.ndim :])


def _multiscale(attributes: Mapping[str, object]) -> Mapping[str, object]:
    inner = attributes.get("ome", attributes)  # version 0.5 keeps everything under "ome"
    images = inner.get("multiscales") if isinstance(inner, Mapping) else None
    return images[0] if isinstance(images, list) and images else {}


def _axis_names(image: Mapping[str, object]) -> tuple[str, ...]:
    axes = image.get("axes")
    if not isinstance(axes, list):
        return ()
    # version 0.3 lists plain names, later versions objects with a name
    return tuple(str(axis["name"] if isinstance(axis, Mapping) else axis) for axis in axes)


def _selection(
    shape: tuple[int, ...], axes: tuple[str, ...], address: PlaneAddress
) -> tuple[int | slice, ...]:
    unknown = [key for key, _ in address.indices if key not in axes or key in _PLANE_AXES]
    if unknown:
        message = f"{address} names {unknown[0]!r}, but the array's axes are {', '.join(axes)}"
        raise PlaneFormatError(message)
    selection: list[int | slice] = []
    for axis, length in zip(axes, shape, strict=True):
        if axis in _PLANE_AXES:
            selection.append(slice(None))
            continue
        index = address.index(axis)
        if index >= length:
            message = f"{address} asks for {axis}={index}, but that axis has {length} entries"
            raise PlaneFormatError(message)
        selection.append(index)
    return tuple(selection)
