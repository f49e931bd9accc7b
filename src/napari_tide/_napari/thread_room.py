"""Threads enough that a user's request never waits for long work to end."""

from __future__ import annotations

from qtpy.QtCore import QThreadPool

# a run of a plate, a map, a search, a check of data, reading ahead, and room for what is asked for
_MOST_AT_ONCE = 8


def make_thread_room() -> None:
    """Let napari's workers be eight at once, on a machine of fewer cores too.

    Qt allows one a core, so that with two cores a plate's run and a map would keep the next well
    from being read at all.
    """
    pool = QThreadPool.globalInstance()
    pool.setMaxThreadCount(max(pool.maxThreadCount(), _MOST_AT_ONCE))
