"""Threads that still work when the process ends are asked to stop, and waited for.

napari does so when Qt's event loop is told to quit. A script that closes its viewer and ends never
comes there: Qt then deletes what the threads report to, and they end in a RuntimeError on the
terminal.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from functools import cache

from superqt.utils import WorkerBase

_PATIENCE_MS = 15_000


@cache
def install_exit_guard() -> None:
    """Wait for working threads before Python takes Qt down; asked again it does nothing."""
    atexit.register(end_workers)


def end_workers() -> None:
    """Ask every thread to stop at its next step, and wait until it has."""
    with suppress(RuntimeError):  # one that takes longer is left behind: nobody is there to be told
        WorkerBase.await_workers(_PATIENCE_MS)
