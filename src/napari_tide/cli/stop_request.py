"""Ctrl-C as a wish to stop soon: the work under way is finished and kept."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # exit status that shells use for Ctrl-C


class StopRequest:
    """Whether the user asked to stop; pressing Ctrl-C a second time stops at once."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __call__(self) -> bool:
        """Tell whether the user asked to stop."""
        return self._asked.is_set()

    def ask(self, _signal: int, _frame: FrameType | None) -> None:
        """Take the first signal as a wish; the second is Python's usual interruption."""
        self._asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write("\nstopping after this batch; press Ctrl-C again to stop at once\n")


@contextmanager
def stopping_on_interrupt() -> Iterator[StopRequest]:
    """Catch Ctrl-C while the block runs; outside the main thread nothing is caught."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = signal.signal(signal.SIGINT, request.ask)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)
