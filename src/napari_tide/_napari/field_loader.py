"""Reading fields off the GUI thread: one at a time, the newest request wins."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

from napari.qt.threading import GeneratorWorker
from psygnal import Signal

from napari_tide._napari.workers import make_worker
from napari_tide.screens.screen import Site
from napari_tide.viewmodels.field_planes import (
    FieldPlanes,
    Plane,
    collect_field,
    iter_planes,
)


@dataclass(frozen=True, slots=True, eq=False)
class FieldRequest:
    """A field to read: its channels, and those planes of it that need no reading.

    Where nothing can be read, planes of `blank_shape` are given.
    """

    site: Site
    channels: tuple[str, ...]
    blank_shape: tuple[int, ...]
    read: Mapping[str, Plane] = field(default_factory=dict)


class FieldLoader:
    """Loads one field at a time; a request under way gives up between two channels."""

    loaded = Signal(object)
    failed = Signal(str)

    def __init__(self) -> None:
        self._wanted: FieldRequest | None = None
        self._loading: FieldRequest | None = None
        self._worker: GeneratorWorker | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a field is being read."""
        return self._worker is not None

    def request(self, wanted: FieldRequest) -> None:
        """Ask for a field; earlier requests that have not arrived are dropped."""
        self._wanted = wanted
        if self._worker is None:
            self._start()
        else:
            self._worker.quit()

    def cancel(self) -> None:
        """Drop every request."""
        self._wanted = None
        if self._worker is not None:
            self._worker.quit()

    def _start(self) -> None:
        assert self._wanted is not None
        self._loading = self._wanted
        worker = make_worker(_read_in_steps, self._loading)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        worker.start()

    def _on_returned(self, planes: FieldPlanes) -> None:
        if self._loading is self._wanted:
            self.loaded.emit(planes)

    def _on_errored(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        if self._loading is self._wanted:
            self.failed.emit(f"{type(error).__name__}: {error}; the notification has the details")

    def _on_finished(self) -> None:
        self._worker = None
        if self._wanted is not None and self._wanted is not self._loading:
            self._start()


def _read_in_steps(wanted: FieldRequest) -> Generator[str, None, FieldPlanes]:
    read: dict[str, Plane | str] = {}
    for channel in wanted.channels:
        if channel in wanted.read:
            read[channel] = wanted.read[channel]
            continue
        read.update(iter_planes(wanted.site, [channel]))
        yield channel  # a place to stop, when a newer well was clicked
    return collect_field(wanted.site, read, blank_shape=wanted.blank_shape)
