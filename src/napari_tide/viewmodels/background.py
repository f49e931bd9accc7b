"""Work off the GUI thread, as the viewmodels ask for it; the shell brings the threads."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")

Steps = Generator[Step, None, Result]


class CancelToken:
    """Asked by work between two batches; once cancelled it stays so."""

    def __init__(self) -> None:
        self._is_cancelled = False

    def __call__(self) -> bool:
        """Tell whether the work should stop."""
        return self._is_cancelled

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._is_cancelled = True


class Background(Protocol):
    """Runs work elsewhere and tells what came of it in the caller's own thread."""

    def start(
        self,
        work: Callable[[], Steps[Step, Result]],
        *,
        on_step: Callable[[Step], None],
        on_done: Callable[[Result], None],
        on_failed: Callable[[str], None],
        token: CancelToken,
    ) -> None:
        """Run `work` to its end.

        `on_step` gets what it yields, then either `on_done` what it returns, or `on_failed` a
        sentence. `token` is cancelled when nobody is left to tell, as after the viewer was closed.
        """


def ignore_step(step: object) -> None:
    """Take no notice of a step: it was a place to stop."""
    del step
