"""Where a viewer's fields come from: shown lately, read ahead, or read now."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import ref

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_tide._napari.field_loader import FieldLoader, FieldRequest
from napari_tide.screens.screen import Site
from napari_tide.viewmodels.background import Background
from napari_tide.viewmodels.field_planes import FieldPlanes, collect_field
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.read_ahead import ReadAhead
from napari_tide.viewmodels.recent_fields import RecentFields
from napari_tide.viewmodels.session import Session

_PAUSE_MS = 120  # the field on show is painted first; a held arrow key never rests that long


class FieldSource:
    """Gives fields on request, at once where it can; in the pauses it reads what may be next."""

    loaded = Signal(object)
    failed = Signal(str)

    def __init__(self, session: Session, plate: PlateViewModel, background: Background) -> None:
        self._recent = RecentFields()
        self.ahead = ReadAhead(session, plate, recent=self._recent, background=background)
        self._n_rests = 0
        self._loader = FieldLoader()
        self._loader.loaded.connect(self._on_loaded)
        self._loader.failed.connect(self.failed.emit)
        session.events.screen.connect(self._recent.clear)  # other images may be there by now

    @property
    def is_busy(self) -> bool:
        """Whether a field that was asked for is being read."""
        return self._loader.is_busy

    def request(self, site: Site, channels: Sequence[str], *, blank_shape: tuple[int, ...]) -> None:
        """Ask for a field; earlier requests that have not arrived are dropped."""
        known = self._recent.find(site, channels)
        read = self.ahead.planes(site)
        if known is None and all(name in read for name in channels):
            known = collect_field(site, {name: read[name] for name in channels})
        if known is None:
            self._loader.request(FieldRequest(site, tuple(channels), blank_shape, dict(read)))
            return
        self._loader.cancel()
        self._on_loaded(known)

    def cancel(self) -> None:
        """Drop every request."""
        self._loader.cancel()

    def rest(self) -> None:
        """Read ahead from the field on show, unless another is asked for in a moment."""
        self._n_rests += 1
        this_rest, source_ref = self._n_rests, ref(self)

        def go_on() -> None:
            source = source_ref()
            if source is not None:
                source.read_ahead(this_rest)

        QTimer.singleShot(_PAUSE_MS, go_on)

    def read_ahead(self, rest: int) -> None:
        """Begin what a rest was for, if it lasted."""
        if rest == self._n_rests and not self._loader.is_busy:
            self.ahead.start()

    def _on_loaded(self, planes: FieldPlanes) -> None:
        self._recent.keep(planes)
        self.loaded.emit(planes)
        self.rest()
