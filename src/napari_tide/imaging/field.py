"""One field of view: the planes of its channels, read side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import numpy as np
import numpy.typing as npt

from napari_tide.errors import PlaneFormatError, PlaneMissingError
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.reading_threads import reading_threads
from napari_tide.plane_address import PlaneAddress


def channel_addresses(
    addresses: Mapping[str, PlaneAddress], channels: Sequence[str]
) -> list[PlaneAddress]:
    """Give the wanted channels' addresses, in the wanted order.

    Raises
    ------
    PlaneMissingError
        A channel was not imaged. It is never replaced by zeros: an encoder would read an absent
        stain as a strong effect.
    """
    missing = [name for name in channels if name not in addresses]
    if missing:
        message = (
            f"no {' or '.join(missing)} plane for this field. Available: {sorted(addresses)}; "
            "leave the site out, or choose channels that every site has"
        )
        raise PlaneMissingError(message)
    return [addresses[name] for name in channels]


def read_field(
    addresses: Mapping[str, PlaneAddress],
    *,
    channels: Sequence[str],
    threads: Executor | None = None,
) -> npt.NDArray[np.generic]:
    """Read the channels of a field as one array (channel, height, width).

    Parameters
    ----------
    addresses
        Where each channel's plane lies.
    channels
        Which to read, in which order.
    threads
        Where planes are decoded side by side; decoders let go of the interpreter lock.

    Raises
    ------
    PlaneMissingError, PlaneFormatError
        A plane is absent, unreadable, or differs in shape from the first; the message names it.
    """
    wanted = channel_addresses(addresses, channels)
    planes = list((threads or reading_threads()).map(read_plane, wanted))
    require_equal_shapes([plane.shape for plane in planes], wanted)
    # planes of different types meet in one that holds both, as numpy decides it
    return np.stack(planes)


def require_equal_shapes(
    shapes: Sequence[tuple[int, ...]], addresses: Sequence[PlaneAddress]
) -> None:
    """Refuse a field whose planes differ in shape, naming the odd one."""
    for shape, address in zip(shapes, addresses, strict=True):
        if shape != shapes[0]:
            message = (
                f"{address} has shape {shape}, but {addresses[0]} has {shapes[0]}; "
                "the channels of a field must be equally large: leave the site out"
            )
            raise PlaneFormatError(message)
