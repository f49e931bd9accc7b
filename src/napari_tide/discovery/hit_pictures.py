"""A hit's field of view beside the nearest untreated one, at the same brightness."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import imagecodecs
import numpy as np

from napari_tide.discovery.hit_list import HitSource
from napari_tide.errors import PlateValueError, TideError
from napari_tide.imaging.composite import (
    Picture,
    Thumbnail,
    compose,
    display_limits,
    shrink_to_square,
)
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.stain_colours import overlaid_channels
from napari_tide.screens.screen import Screen, Site
from napari_tide.screens.well import Well

SIDE_PX = 224
_QUALITY = 88


@dataclass(frozen=True, slots=True)
class HitPicture:
    """Two pictures as data addresses, and which wells they are of; or why there are none."""

    plate: str
    hit_well: str
    control_well: str
    hit: str
    control: str
    problem: str = ""


def picture_hit(source: HitSource, screen: Screen, *, side_px: int = SIDE_PX) -> HitPicture:
    """Show the first of a hit's wells that was imaged, and its plate's nearest negative control.

    Channels have the limits of the control, so that the hit is as bright as it is.
    """
    problem = "none of its wells is on this screen"
    places = source.search.table.wells.iloc[source.wells]
    for plate, name in zip(places["plate"], places["well"], strict=True):
        sites = screen.sites[screen.sites["plate"] == plate]
        here = sites[sites["well"] == _canonical(name)]
        controls = sites[sites["control"] == "negcon"]
        if here.empty:
            continue
        if controls.empty:
            problem = f"plate {plate} has no negative control on this screen"
            continue
        nearest = _nearest(controls["well"].unique().tolist(), name)
        own, other = (_first_site(screen, plate, well) for well in (_canonical(name), nearest))
        try:
            hit, control = _compose_both(own, other, screen.channel_names, side_px)
        except TideError as error:
            problem = str(error)
            continue
        return HitPicture(
            plate, _canonical(name), nearest, _data_address(hit), _data_address(control)
        )
    return HitPicture("", "", "", "", "", problem)


def _compose_both(
    own: Site, other: Site, channel_names: list[str], side_px: int
) -> tuple[Picture, Picture]:
    shown = overlaid_channels(channel_names)
    channels = [name for name in shown if name in own.planes and name in other.planes]
    limits: dict[str, tuple[float, float]] = {}
    own_small: dict[str, Thumbnail] = {}
    other_small: dict[str, Thumbnail] = {}
    for name in channels:
        control = read_plane(other.planes[name])
        limits[name] = display_limits(control)
        other_small[name] = shrink_to_square(control, side_px)
        own_small[name] = shrink_to_square(read_plane(own.planes[name]), side_px)
    return compose(own_small, limits), compose(other_small, limits)


def _first_site(screen: Screen, plate: str, well: str) -> Site:
    place = Well.parse(well)
    return screen.site(plate, place, screen.site_numbers(plate, place)[0])


def _nearest(wells: list[str], name: str) -> str:
    here = Well.parse(name)
    places = [Well.parse(well) for well in wells]
    away = [np.hypot(place.row - here.row, place.column - here.column) for place in places]
    return wells[int(np.argmin(away))]


def _canonical(name: str) -> str:
    try:
        return Well.parse(name).name
    except PlateValueError:
        return name


def _data_address(picture: Picture) -> str:
    encoded = imagecodecs.jpeg_encode(np.ascontiguousarray(picture), level=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(encoded).decode()
