"""One line of the speed table: a piece of work, and the same work in the best other library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpeedRow:
    """How long something takes here and in a peer, measured in turns in one process.

    Parameters
    ----------
    what
        The work, in words.
    ours_s, peer_s
        Median seconds.
    peer
        What it is compared with.
    ratio
        Median over the rounds of ours / peer; below 1 is faster than the peer.
    goal
        The largest ratio that meets the project's goal.
    ratio_range
        Smallest and largest ratio of a round.
    """

    what: str
    ours_s: float
    peer: str
    peer_s: float
    ratio: float
    goal: float
    ratio_range: tuple[float, float] | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is met."""
        return self.ratio <= self.goal


@dataclass(frozen=True, slots=True)
class TimeRow:
    """How long something takes here, where no other library does the same work.

    Parameters
    ----------
    what
        The work, in words.
    seconds
        Median seconds over the rounds.
    goal_s
        The most it may take on the machine the goal was set for.
    """

    what: str
    seconds: float
    goal_s: float

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is met."""
        return self.seconds <= self.goal_s


def time_work(
    work: Callable[[], object],
    *,
    what: str,
    goal_s: float,
    n_rounds: int = 5,
    warms_up: bool = True,
) -> TimeRow:
    """Time some work by itself, after one round that does not count."""
    if warms_up:
        work()
    return TimeRow(what, statistics.median(_seconds(work) for _ in range(n_rounds)), goal_s)


def compare_speed(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    what: str,
    peer_name: str,
    goal: float,
    n_rounds: int = 15,
) -> SpeedRow:
    """Run both sides in turns, so that a busy machine slows both, and compare round by round."""
    ours()
    peer()
    ours_s, peer_s = [], []
    for _ in range(n_rounds):
        ours_s.append(_seconds(ours))
        peer_s.append(_seconds(peer))
    ratios = [a / b for a, b in zip(ours_s, peer_s, strict=True)]
    return SpeedRow(
        what=what,
        ours_s=statistics.median(ours_s),
        peer=peer_name,
        peer_s=statistics.median(peer_s),
        ratio=statistics.median(ratios),
        goal=goal,
        ratio_range=(min(ratios), max(ratios)),
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
