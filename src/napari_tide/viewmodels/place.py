"""Where a user is on a screen: one field of view."""

from __future__ import annotations

import os
from dataclasses import dataclass

from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well


@dataclass(frozen=True, slots=True)
class Place:
    """A plate, a well of it, and a site of that well."""

    plate: str
    well: Well
    site: int


def first_usable_place(screen: Screen) -> Place | None:
    """Give the first site all of whose planes are there, else the first with any plane there.

    No image is opened; each folder is listed once, which stays quick on a network drive.
    """
    listed: dict[str, frozenset[str]] = {}
    partly: Place | None = None
    for row in range(screen.n_sites):
        site = screen.site_at(row)
        found = [_is_there(str(address.path), listed) for address in site.planes.values()]
        place = Place(site.plate, site.well, site.number)
        if found and all(found) and len(found) == len(screen.channels):
            return place
        if partly is None and any(found):
            partly = place
    return partly


def _is_there(path: str, listed: dict[str, frozenset[str]]) -> bool:
    folder, name = os.path.split(path)
    if folder not in listed:
        try:
            listed[folder] = frozenset(os.listdir(folder))
        except OSError:
            listed[folder] = frozenset()
    return name in listed[folder]
