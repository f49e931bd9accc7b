"""The pixels of one field: every channel, whatever happened to some of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from napari_tide.errors import TideError
from napari_tide.imaging.planes import read_plane
from napari_tide.screens.screen import Site

Plane = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class FieldPlanes:
    """One plane per channel, all of one shape; channels that could not be read are zeros."""

    site: Site
    planes: Mapping[str, Plane]
    faults: Mapping[str, str] = field(default_factory=dict)

    def problem(self) -> str:
        """Say in one sentence what could not be shown; empty when all was."""
        if not self.faults:
            return ""
        first = next(iter(self.faults.values()))
        channels = ", ".join(self.faults)
        return f"{channels} of well {self.site.well} left blank: {first}"


def iter_planes(site: Site, channels: Sequence[str]) -> Iterator[tuple[str, Plane | str]]:
    """Read channel by channel, so that a caller can stop between two; a fault is its sentence."""
    for name in channels:
        if name not in site.planes:
            yield name, f"site {site.number} has no {name} image"
            continue
        try:
            yield name, read_plane(site.planes[name])
        except TideError as error:
            yield name, str(error)


def collect_field(
    site: Site, read: Mapping[str, Plane | str], *, blank_shape: tuple[int, ...] = (256, 256)
) -> FieldPlanes:
    """Put planes and faults together; blanks and odd sizes take the shape of the first plane."""
    good = {name: plane for name, plane in read.items() if isinstance(plane, np.ndarray)}
    first = next(iter(good.values()), None)
    shape = first.shape if first is not None else blank_shape
    dtype = first.dtype if first is not None else np.dtype(np.uint16)
    faults = {name: text for name, text in read.items() if isinstance(text, str)}
    for name, plane in good.items():
        if plane.shape != shape:
            faults[name] = f"{site.planes[name]} is {plane.shape}, the other channels are {shape}"
    blank = np.zeros(shape, dtype)
    planes = {name: good[name] if name not in faults else blank for name in read}
    return FieldPlanes(site, planes, faults)


def read_field(
    site: Site, channels: Sequence[str], *, blank_shape: tuple[int, ...] = (256, 256)
) -> FieldPlanes:
    """Read all channels of a field."""
    return collect_field(site, dict(iter_planes(site, channels)), blank_shape=blank_shape)
