"""A request to stop and save: ``stop`` on stdin, SIGTERM of a cluster, or Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class StopRequest:
    """Becomes true once, and stays so."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Ask the run to stop after the current step."""
        self._asked.set()

    def __call__(self) -> bool:
        """Say whether somebody asked."""
        return self._asked.is_set()


@contextlib.contextmanager
def listening(*, to_stdin: bool) -> Iterator[StopRequest]:
    """Listen for a stop while a run goes.

    Parameters
    ----------
    to_stdin
        Whether a line ``stop`` counts; only where stdin is a pipe, as from the Train dock.
    """
    request = StopRequest()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if request():
            raise KeyboardInterrupt
        request.ask()

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, on_signal)
    if to_stdin and _is_pipe():
        threading.Thread(target=_read_stdin, args=(request,), daemon=True).start()
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_pipe() -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode) or os.name == "nt"
    except (OSError, ValueError, AttributeError):
        return False


def _read_stdin(request: StopRequest) -> None:
    """Read the pipe; its end says nothing, since a closed napari must not end a training."""
    with contextlib.suppress(OSError, ValueError):
        for line in sys.stdin:
            if line.strip().lower() == "stop":
                request.ask()
                return
