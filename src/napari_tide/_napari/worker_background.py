"""Viewmodels' work in napari's threads: steps and results come back in the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from napari.qt.threading import create_worker

from napari_tide.errors import TideError
from napari_tide.viewmodels.background import CancelToken, Steps

Step = TypeVar("Step")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A user's own mistake, to be told and not to be traced."""

    text: str


class WorkerBackground:
    """Runs work in threads of napari's pool; `cancel_all` when the viewer goes."""

    def __init__(self) -> None:
        self._running: set[_Run] = set()

    def start(
        self,
        work: Callable[[], Steps[Step, Result]],
        *,
        on_step: Callable[[Step], None],
        on_done: Callable[[Result], None],
        on_failed: Callable[[str], None],
        token: CancelToken,
    ) -> None:
        """Run `work` to its end; nobody is told once its token was taken back by `cancel_all`."""
        run = _Run(self._running, on_step, on_done, on_failed, token)
        worker = create_worker(_told, work, _start_thread=False, _ignore_errors=True)
        worker.yielded.connect(run.step)
        worker.returned.connect(run.end)
        worker.errored.connect(run.break_off)
        worker.finished.connect(run.forget)
        self._running.add(run)
        worker.start()

    def cancel_all(self) -> None:
        """Ask all work to stop, and tell nobody of it."""
        for run in list(self._running):
            run.silence()


class _Run(Generic[Step, Result]):
    """Who is told of one piece of work."""

    def __init__(
        self,
        running: set[_Run],
        on_step: Callable[[Step], None],
        on_done: Callable[[Result], None],
        on_failed: Callable[[str], None],
        token: CancelToken,
    ) -> None:
        self._running, self._token = running, token
        self._listeners: (
            tuple[Callable[[Step], None], Callable[[Result], None], Callable[[str], None]] | None
        ) = (on_step, on_done, on_failed)

    def step(self, step: Step) -> None:
        """Tell of a step."""
        if self._listeners is not None:
            self._listeners[0](step)

    def end(self, result: Result | _Sentence) -> None:
        """Tell what came of it."""
        if self._listeners is None:
            return
        _, on_done, on_failed = self._listeners
        if isinstance(result, _Sentence):
            on_failed(result.text)
        else:
            on_done(result)

    def break_off(self, error: Exception) -> None:
        """Say what broke; napari keeps the traceback in its notifications."""
        if self._listeners is not None:
            sentence = f"{type(error).__name__}: {error}; the notification has the details"
            self._listeners[2](sentence)

    def forget(self) -> None:
        """Let go of everybody."""
        self._listeners = None
        self._running.discard(self)

    def silence(self) -> None:
        """Stop the work, and tell nobody."""
        self._token.cancel()
        self._listeners = None


def _told(work: Callable[[], Steps[Step, Result]]) -> Steps[Step, Result | _Sentence]:
    try:
        return (yield from work())
    except TideError as error:
        return _Sentence(str(error))
