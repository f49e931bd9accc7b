"""The viewmodels' background: napari's worker threads, heard in the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from napari.qt.threading import GeneratorWorker

from napari_tide._napari.workers import make_worker
from napari_tide.errors import TideError
from napari_tide.viewmodels.background import CancelToken, Result, Step, Steps
from napari_tide.viewmodels.gui_words import in_gui_words


class WorkerBackground:
    """Runs work in napari's thread pool for one viewer.

    Parameters
    ----------
    is_wanted
        Asked with every step; once the viewer is gone the work is cancelled and not heard any more.
    """

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted
        self._jobs: set[_Job] = set()

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._jobs)

    def start(
        self,
        work: Callable[[], Steps[Step, Result]],
        *,
        on_step: Callable[[Step], None],
        on_done: Callable[[Result], None],
        on_failed: Callable[[str], None],
        token: CancelToken,
    ) -> None:
        """Run `work` in a thread; see `Background`. For a viewer that is gone nothing is done."""
        if not self._is_wanted():
            token.cancel()
            return
        job = _Job(on_step, on_done, on_failed, token, self._is_wanted, self._jobs)
        job.start(work)

    def cancel(self) -> None:
        """Cancel everything, as when the viewer closes."""
        for job in list(self._jobs):
            job.cancel()


class _Job:
    """One piece of work and who wants to hear of it."""

    def __init__(
        self,
        on_step: Callable[[Any], None],  # a worker's signals carry any object
        on_done: Callable[[Any], None],
        on_failed: Callable[[str], None],
        token: CancelToken,
        is_wanted: Callable[[], bool],
        jobs: set[_Job],
    ) -> None:
        self._on_step, self._on_done, self._on_failed = on_step, on_done, on_failed
        self._token, self._is_wanted, self._jobs = token, is_wanted, jobs
        self._worker: GeneratorWorker | None = None
        self._steps: Steps[Any, Any] | None = None  # whatever the work tells and gives

    def start(self, work: Callable[[], Steps[Step, Result]]) -> None:
        begun = partial(self._begin, work)
        worker = make_worker(_told_in_sentences, begun)
        worker.yielded.connect(self._step)
        worker.returned.connect(self._done)
        worker.errored.connect(self._errored)
        worker.finished.connect(self._finished)
        self._worker = worker
        self._jobs.add(self)
        worker.start()

    def cancel(self) -> None:
        self._token.cancel()

    def _step(self, step: object) -> None:
        if self._is_heard():
            self._on_step(step)

    def _done(self, outcome: tuple[str, object]) -> None:
        if not self._is_heard():
            return
        sentence, result = outcome
        if sentence:
            self._on_failed(sentence)
        else:
            self._on_done(result)

    def _errored(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        if self._is_heard():
            name = type(error).__name__
            self._on_failed(f"{name}: {error}; the notification has the details")

    def _begin(self, work: Callable[[], Steps[Step, Result]]) -> Steps[Step, Result]:
        self._steps = work()
        return self._steps

    def _finished(self) -> None:
        """Let go of what the work held, also where napari ended it between two steps."""
        if self._steps is not None:
            self._steps.close()
        self._jobs.discard(self)
        self._worker = self._steps = None

    def _is_heard(self) -> bool:
        if self._is_wanted():
            return True
        self._token.cancel()
        return False


def _told_in_sentences(
    work: Callable[[], Steps[Step, Result]],
) -> Steps[Step, tuple[str, Result | None]]:
    """Give a user's own mistake back as its sentence: no fault of the program, no traceback."""
    try:
        result = yield from work()
    except TideError as error:
        return in_gui_words(str(error)), None
    return "", result
