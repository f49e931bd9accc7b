"""Reading the fields a user is likely to ask for next, while they look at the one on show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from napari_tide.screens.screen import Site
from napari_tide.viewmodels.background import Background, CancelToken, Steps, ignore_step
from napari_tide.viewmodels.field_planes import Plane, iter_planes
from napari_tide.viewmodels.likely_places import likely_places
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.recent_fields import RecentFields
from napari_tide.viewmodels.session import Session

MOST_BYTES = 128 * 2**20

ReadPlane = tuple[Place, str, Plane]


class ReadAhead:
    """Planes of the fields next to the one on show, read one at a time, the likeliest field first.

    Moving anywhere stops it, so that what a user asks for is never kept waiting by a guess; what
    was read by then is still of use, also a field of which only some channels were.

    Parameters
    ----------
    session, plate
        Where the user is, and which wells are next to that.
    recent
        Fields that need no reading.
    background
        What reads.
    most_bytes
        How much is kept; less likely fields are left out rather than the likely ones.
    """

    def __init__(
        self,
        session: Session,
        plate: PlateViewModel,
        *,
        recent: RecentFields,
        background: Background,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._session, self._plate, self._recent = session, plate, recent
        self._background, self._most_bytes = background, most_bytes
        self._here = session.place
        self._came_from: Place | None = None
        self._read: dict[Place, dict[str, Plane]] = {}
        self._token = CancelToken()
        session.events.screen.connect(self.forget)
        session.events.place.connect(self._on_place)

    def planes(self, site: Site) -> Mapping[str, Plane]:
        """Give what is read of a field so far, by channel."""
        return self._read.get(_place_of(site), {})

    def start(self) -> None:
        """Read what is likely to be asked for next; what no longer is, is forgotten."""
        self.stop()
        screen = self._session.screen
        if screen is None:
            return
        places = likely_places(self._session, self._plate, self._came_from)
        self._read = {place: self._read[place] for place in places if place in self._read}
        sites = [screen.site(place.plate, place.well, place.site) for place in places]
        channels = screen.channel_names
        wanted = [
            (site, [name for name in channels if name not in self.planes(site)])
            for site in sites
            if self._recent.find(site, channels) is None
        ]
        if any(missing for _, missing in wanted):
            self._begin(wanted)

    def stop(self) -> None:
        """Read nothing more; the plane that is being read is the last."""
        self._token.cancel()

    def forget(self) -> None:
        """Stop, and let go of everything read."""
        self.stop()
        self._read = {}

    def _begin(self, wanted: Sequence[tuple[Site, list[str]]]) -> None:
        token = self._token = CancelToken()
        room = self._most_bytes - sum(
            plane.nbytes for planes in self._read.values() for plane in planes.values()
        )

        def keep(read: ReadPlane) -> None:
            place, name, plane = read
            if not token():
                self._read.setdefault(place, {})[name] = plane

        self._background.start(
            partial(_read_planes, wanted, room, token),
            on_step=keep,
            on_done=ignore_step,
            on_failed=ignore_step,  # the same is said when the user goes there
            token=token,
        )

    def _on_place(self, place: Place | None) -> None:
        self.stop()
        self._came_from, self._here = self._here, place


def _read_planes(
    wanted: Sequence[tuple[Site, Sequence[str]]], room: int, is_cancelled: Callable[[], bool]
) -> Steps[ReadPlane, None]:
    for site, channels in wanted:
        for name, plane in iter_planes(site, channels):
            if isinstance(plane, str):
                continue  # a fault is looked at again, and told, when the user goes there
            room -= plane.nbytes
            if room < 0:
                return
            yield _place_of(site), name, plane
            if is_cancelled():
                return


def _place_of(site: Site) -> Place:
    return Place(site.plate, site.well, site.number)
