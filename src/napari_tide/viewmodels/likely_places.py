"""Where a user is likely to go next: on the way they came, then to the wells all around."""

from __future__ import annotations

from collections.abc import Iterator

from napari_tide.screens.well import Well
from napari_tide.viewmodels.place import Place, place_in_well
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session

Way = tuple[int, int]

_WAYS: tuple[Way, ...] = ((0, 1), (0, -1), (1, 0), (-1, 0))  # rows, columns: right, left, down, up


def likely_places(session: Session, plate: PlateViewModel, came_from: Place | None) -> list[Place]:
    """List the fields one key or click away, the likeliest first.

    After a step from site to site that is the next site; then come the wells that the arrow keys
    reach, those in the direction of travel first.
    """
    screen, here = session.screen, session.place
    if screen is None or here is None:
        return []
    way = _way(came_from, here)
    places = list(_next_sites(session, came_from, here))
    for rows, columns in sorted(_WAYS, key=lambda other: other != way):
        well = plate.neighbour(rows=rows, columns=columns) or _in_reading_order(plate, columns)
        place = well and place_in_well(screen, here.plate, well, like=here.site)
        if place and place not in places:
            places.append(place)
    return places


def _way(came_from: Place | None, here: Place) -> Way | None:
    """Give the direction of the last step, if it was more along a row or a column than askew."""
    if came_from is None or came_from.plate != here.plate:
        return None
    down, right = here.well.row - came_from.well.row, here.well.column - came_from.well.column
    if abs(right) > abs(down):
        return 0, 1 if right > 0 else -1
    if abs(down) > abs(right):
        return 1 if down > 0 else -1, 0
    return None


def _next_sites(session: Session, came_from: Place | None, here: Place) -> Iterator[Place]:
    if came_from is None or (came_from.plate, came_from.well) != (here.plate, here.well):
        return
    sites = session.sites
    target = sites.index(here.site) + (1 if here.site > came_from.site else -1)
    if 0 <= target < len(sites):
        yield Place(here.plate, here.well, sites[target])


def _in_reading_order(plate: PlateViewModel, step: int) -> Well | None:
    """Give the well that "next well" wraps to at the end of a row."""
    here, wells = plate.current, plate.wells
    if not step or here not in wells:
        return None
    target = wells.index(here) + step
    return wells[target] if 0 <= target < len(wells) else None
