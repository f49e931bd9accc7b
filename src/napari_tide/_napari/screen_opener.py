"""Opening a screen off the GUI thread: the newest request wins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari.qt.threading import FunctionWorker
from psygnal import Signal

from napari_tide._napari.workers import make_worker
from napari_tide.errors import TideError
from napari_tide.screens.open_screen import annotate_screen, open_screen
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.place import Place, first_usable_place
from napari_tide.viewmodels.session import Session

Opened = tuple[Screen, Place | None]


def open_with_place(source: Path) -> Opened:
    """Read a screen and find its first site with images."""
    screen = open_screen(source)
    return screen, first_usable_place(screen)


class ScreenOpener:
    """Opens sources for one session."""

    busy_changed = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self._worker: FunctionWorker | None = None

    def open(self, source: Path) -> None:
        """Read `source` in a thread, then show it; what is on show stays until then."""
        self._start(source, partial(open_with_place, source))

    def join_plate_map(self, plate_map: Path) -> None:
        """Say from a table what is in the wells of the open screen, and stay at the same well."""
        screen, place = self._session.screen, self._session.place
        if screen is None:
            self._session.report(f"open a screen before its plate map {plate_map.name}")
            return
        self._start(plate_map, partial(_annotated, screen, place, plate_map))

    def _start(self, source: Path, work: Callable[[], Opened]) -> None:
        self.cancel()
        self._session.report("")
        self.busy_changed.emit(f"reading {source.name} …")
        worker = make_worker(_done_or_sentence, work)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        self._worker = worker
        worker.start()

    def cancel(self) -> None:
        """Forget the request under way; its thread ends by itself."""
        if self._worker is not None:
            self._worker.returned.disconnect(self._on_returned)
            self._worker.errored.disconnect(self._on_errored)
            self._worker = None
            self.busy_changed.emit("")

    def _on_returned(self, result: Opened | str) -> None:
        self._worker = None
        self.busy_changed.emit("")
        if isinstance(result, str):
            self._session.report(result)
            return
        screen, place = result
        self._session.open(screen, place=place)

    def _on_errored(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        self._worker = None
        self.busy_changed.emit("")
        self._session.report(f"{type(error).__name__}: {error}; the notification has the details")


def _annotated(screen: Screen, place: Place | None, plate_map: Path) -> Opened:
    return annotate_screen(screen, plate_map=plate_map), place


def _done_or_sentence(work: Callable[[], Opened]) -> Opened | str:
    """Give a user's own mistake back as its sentence: no fault of the program, no traceback."""
    try:
        return work()
    except TideError as error:
        return str(error)
