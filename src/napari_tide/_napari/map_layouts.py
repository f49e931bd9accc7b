"""Laying out the maps of one viewer in the background, one after the other."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event

from napari.qt.threading import GeneratorWorker

from napari_tide._napari.workers import make_worker
from napari_tide.errors import TideError
from napari_tide.viewmodels.gui_words import in_gui_words
from napari_tide.viewmodels.map_cache import Places
from napari_tide.viewmodels.map_layout import (
    MapSource,
    chemistry_source,
    codebook_source,
    lay_out,
    profile_source,
)
from napari_tide.viewmodels.maps import DRUG_MAPS, IDLE, MapName, MapStatus, MapsViewModel
from napari_tide.viewmodels.results_folder import results_folder
from napari_tide.viewmodels.session import Session


class MapLayouts:
    """Lays out whatever the session has and the viewmodel has no places for."""

    def __init__(self, session: Session, maps: MapsViewModel) -> None:
        self._session, self._maps = session, maps
        self._is_started = False
        self._waiting: list[MapName] = []
        self._running: MapName | None = None
        self._token = Event()
        self._worker: GeneratorWorker | None = None
        session.events.bundle.connect(self._on_student)
        session.events.profiles.connect(self._on_profiles)

    @property
    def is_busy(self) -> bool:
        """Whether a map is being laid out."""
        return self._worker is not None

    def start(self) -> None:
        """Lay out what is there, and from now on whatever comes; before that nothing is done."""
        if not self._is_started:
            self._is_started = True
            self._on_student()
            self._on_profiles()

    def request(self, name: MapName) -> None:
        """Lay out a map, again where it was cancelled or failed."""
        if not self._is_started or self._source(name) is None:
            return
        if name == self._running:
            self._token.set()
        if name not in self._waiting:
            self._waiting.append(name)
            self._maps.say(name, MapStatus("busy", "waiting for the other map …"))
        self._start_next()

    def cancel(self, name: MapName) -> None:
        """Stop laying out a map."""
        if name == self._running and not self._token.is_set():
            self._token.set()
            self._maps.say(name, MapStatus("stopping", "cancelling …"))
        elif name in self._waiting:
            self._waiting.remove(name)
            self._maps.say(name, IDLE)

    def pause(self) -> None:
        """Stop everything, until it is started again."""
        self._is_started = False
        for name in list(self._waiting):
            self.cancel(name)
        self._token.set()

    def _source(self, name: MapName) -> MapSource | None:
        student, profiles, screen = (
            self._session.bundle,
            self._session.profiles,
            self._session.screen,
        )
        if name == "profiles":
            folder = results_folder(screen) if screen else None
            return profile_source(profiles, folder) if profiles else None
        if student is None:
            return None
        return chemistry_source(student) if name == "chemistry" else codebook_source(student)

    def _on_student(self) -> None:
        for name in DRUG_MAPS:
            self._renew(name)

    def _on_profiles(self) -> None:
        self._renew("profiles")

    def _renew(self, name: MapName) -> None:
        """Stop what no longer fits the session, and lay out what does."""
        if name == self._running:
            self._token.set()
        if name in self._waiting:
            self._waiting.remove(name)
        if self._maps.places(name) is None:
            self.request(name)

    def _start_next(self) -> None:
        if self._worker is not None or not self._waiting:
            return
        name = self._waiting.pop(0)
        source = self._source(name)
        if source is None:
            self._start_next()
            return
        self._running, self._token = name, Event()
        worker = make_worker(_steps, source, self._token)
        worker.yielded.connect(self._on_yielded)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        worker.start()

    def _on_yielded(self, text: str) -> None:
        if self._running is not None and not self._token.is_set():
            self._maps.say(self._running, MapStatus("busy", text))

    def _on_returned(self, result: Places | str | None) -> None:
        name = self._running
        assert name is not None
        if not self._is_started:
            self._maps.say(name, IDLE)
        elif self._token.is_set() or result is None:
            if name not in self._waiting:
                self._maps.say(name, IDLE)
        elif isinstance(result, str):
            self._maps.say(name, MapStatus("failed", result))
        else:
            self._maps.show_places(name, result)

    def _on_errored(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        assert self._running is not None
        self._maps.say(self._running, MapStatus("failed", f"{type(error).__name__}: {error}"))

    def _on_finished(self) -> None:
        """Go on with the next; napari ends work without an outcome when a viewer closes."""
        name = self._running
        is_open = name is not None and self._maps.status(name).kind in ("busy", "stopping")
        if name is not None and is_open and name not in self._waiting:
            self._maps.say(name, IDLE)
        self._worker, self._running = None, None
        self._start_next()


def _steps(source: MapSource, token: Event) -> Generator[str, None, Places | str | None]:
    """Lay out; a user's own mistake comes back as its sentence."""
    try:
        return (yield from lay_out(source, is_cancelled=token.is_set))
    except TideError as error:
        return in_gui_words(str(error))
