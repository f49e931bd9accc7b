"""Opening a screen off the GUI thread: the newest request wins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from psygnal import SignalInstance

from napari_tide._napari.background_task import BackgroundTask
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

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task = BackgroundTask()
        self._task.done.connect(self._on_opened)
        self._task.failed.connect(session.report)

    @property
    def busy_changed(self) -> SignalInstance:
        """Tells what is being read; nothing once it is there."""
        return self._task.busy_changed

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

    def cancel(self) -> None:
        """Forget the request under way; its thread ends by itself."""
        self._task.cancel()

    def _start(self, source: Path, work: Callable[[], Opened]) -> None:
        self._task.cancel()
        self._session.report("")
        self._task.run(f"reading {source.name} …", work)

    def _on_opened(self, opened: Opened) -> None:
        screen, place = opened
        self._session.open(screen, place=place)


def _annotated(screen: Screen, place: Place | None, plate_map: Path) -> Opened:
    return annotate_screen(screen, plate_map=plate_map), place
