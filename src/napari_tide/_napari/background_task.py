"""One function at a time off the GUI thread; the newest wins."""

from __future__ import annotations

from collections.abc import Callable

from napari.qt.threading import FunctionWorker
from psygnal import Signal

from napari_tide._napari.workers import make_worker
from napari_tide.errors import TideError


class BackgroundTask:
    """Runs work in a thread and tells what came of it: a value, or a sentence."""

    done = Signal(object)
    failed = Signal(str)
    busy_changed = Signal(str)

    def __init__(self) -> None:
        self._worker: FunctionWorker | None = None

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return self._worker is not None

    def run(self, text: str, work: Callable[[], object]) -> None:
        """Do `work` in a thread, saying `text` meanwhile; what was under way is forgotten."""
        self.cancel()
        self.busy_changed.emit(text)
        worker = make_worker(_told_in_a_sentence, work)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        self._worker = worker
        worker.start()

    def cancel(self) -> None:
        """Forget the work under way; its thread ends by itself."""
        if self._worker is not None:
            self._worker.returned.disconnect(self._on_returned)
            self._worker.errored.disconnect(self._on_errored)
            self._worker = None
            self.busy_changed.emit("")

    def _on_returned(self, outcome: tuple[str, object]) -> None:
        self._worker = None
        self.busy_changed.emit("")
        sentence, result = outcome
        if sentence:
            self.failed.emit(sentence)
        else:
            self.done.emit(result)

    def _on_errored(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        self._worker = None
        self.busy_changed.emit("")
        self.failed.emit(f"{type(error).__name__}: {error}; the notification has the details")


def _told_in_a_sentence(work: Callable[[], object]) -> tuple[str, object]:
    """Give a user's own mistake back as its sentence: no fault of the program, no traceback.

    As a sentence, since napari takes an exception that a worker returns for one that it raised.
    """
    try:
        return "", work()
    except TideError as error:
        return str(error), None
