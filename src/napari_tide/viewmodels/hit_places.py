"""The wells of hits, as profiles name them and as a screen's table has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from napari_tide.errors import PlateValueError
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well

PlaceName = tuple[str, str]
"""A plate and a well such as ``B03``."""


def canonical_well(name: str) -> str:
    """Write a well as ``B03``, however a table writes it; what is no well stays as it is."""
    try:
        return Well.parse(name).name
    except PlateValueError:
        return name


def places_in(text: str) -> list[PlaceName]:
    """Read a hit's wells, ``P1:B03|P2:B03``."""
    parts = (part.rpartition(":") for part in text.split("|") if part)
    return [(plate, canonical_well(well)) for plate, _, well in parts]


class SitesByWell:
    """Rows of a screen's site table by well, and back."""

    def __init__(self, screen: Screen) -> None:
        self._plates = screen.sites["plate"].to_numpy(dtype=object)
        self._wells = screen.sites["well"].to_numpy(dtype=object)
        found: dict[PlaceName, list[int]] = {}
        for row, (plate, well) in enumerate(zip(self._plates, self._wells, strict=True)):
            found.setdefault((str(plate), str(well)), []).append(row)
        self._rows: Mapping[PlaceName, list[int]] = found

    def rows(self, places: Iterable[PlaceName]) -> list[int]:
        """List the sites of some wells; wells the screen lacks have none."""
        return [row for place in places for row in self._rows.get(place, ())]

    def has(self, place: PlaceName) -> bool:
        """Tell whether the screen has the well."""
        return place in self._rows

    def places(self, rows: Iterable[int]) -> list[PlaceName]:
        """List the wells that some sites are of, each once."""
        found = {(str(self._plates[row]), str(self._wells[row])) for row in rows}
        return sorted(found)
