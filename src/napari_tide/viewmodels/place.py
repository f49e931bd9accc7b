"""Where a user is on a screen: one field of view."""

from __future__ import annotations

from dataclasses import dataclass

from napari_tide.screens.folder_listings import FolderListings
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import path_column
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
    listings = FolderListings(screen.root)
    columns = [screen.sites[path_column(name)] for name in screen.channel_names]
    partly: int | None = None
    for row, addresses in enumerate(zip(*columns, strict=True)):
        n_found = sum(bool(address) and listings.has(address) for address in addresses)
        if n_found == len(addresses):
            return _place_at(screen, row)
        if partly is None and n_found:
            partly = row
    return None if partly is None else _place_at(screen, partly)


def place_in_well(screen: Screen, plate: str, well: Well, *, like: int) -> Place | None:
    """Give the field of a well with the number `like`, else its first; nothing if none is."""
    numbers = screen.site_numbers(plate, well)
    if not numbers:
        return None
    return Place(plate, well, like if like in numbers else numbers[0])


def _place_at(screen: Screen, row: int) -> Place:
    site = screen.site_at(row)
    return Place(site.plate, site.well, site.number)
