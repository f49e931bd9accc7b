"""How long a run will still take, from how fast it went so far."""

from __future__ import annotations

import time
from collections.abc import Callable

_FEWEST_S = 0.5


class TimeLeft:
    """Told how much is done, says how long the rest takes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()

    def say(self, done: int, total: int) -> str:
        """Say it in words: ``"about 3 min left"``; empty while nothing is known."""
        elapsed_s = self._clock() - self._began
        if done <= 0 or done >= total or elapsed_s < _FEWEST_S:
            return ""
        return f"about {_duration(elapsed_s / done * (total - done))} left"


def _duration(seconds: float) -> str:
    whole = max(round(seconds), 1)
    if whole < 90:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
