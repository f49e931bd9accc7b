"""The fields shown last, so that going back and forth between two wells reads no file."""

from __future__ import annotations

from collections.abc import Sequence

from napari_tide.screens.screen import Site
from napari_tide.viewmodels.field_planes import FieldPlanes

MOST_FIELDS = 4
MOST_BYTES = 128 * 2**20  # and as much for what is read ahead


class RecentFields:
    """Keeps a few fields that were read without a fault, the newest last."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._kept: list[FieldPlanes] = []

    def keep(self, field: FieldPlanes) -> None:
        """Remember a field; what is too much in number or size is forgotten, the oldest first."""
        self._kept = [known for known in self._kept if known.site != field.site]
        if field.faults:
            return  # a file may be mended meanwhile, so it is read again
        self._kept.append(field)
        while len(self._kept) > MOST_FIELDS or self._size() > self._most_bytes:
            del self._kept[0]

    def find(self, site: Site, channels: Sequence[str]) -> FieldPlanes | None:
        """Give a field again, if it is remembered with just these channels."""
        for known in self._kept:
            if known.site == site and list(known.planes) == list(channels):
                return known
        return None

    def clear(self) -> None:
        """Forget everything."""
        self._kept = []

    def _size(self) -> int:
        return sum(plane.nbytes for field in self._kept for plane in field.planes.values())
