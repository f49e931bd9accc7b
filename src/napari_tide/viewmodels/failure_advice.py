"""What to tell a user whose training ended without a student: what happened, and the way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SIGNAL_KILL, _ILLEGAL, _SEGFAULT = 9, 4, 11
_RESUME = "Resume goes on from the last checkpoint"
_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"out of memory|can't allocate memory|OutOfMemoryError|MemoryError",
        "lower the batch size, or split batches (Accumulation, under More settings)",
    ),
    (r"No space left|disk full", "make room on the disk of the output folder; " + _RESUME),
    (r"loss is nan|loss is inf", "lower the learning rate and start again"),
    (
        r"learns from transcriptomes|no image has a transcriptome",
        "choose an L1000 file, or a recipe that learns without one: labels, cl_d or dino",
    ),
    (r"holds a run already", "use Attach to run… and Resume, or another output folder"),
    (r"do not fill a batch", "lower the batch size"),
    (r"No module named", "install the missing package into the Python that napari runs in"),
    (r"CUDA driver|no kernel image|CUDA error", "choose another device, or update the GPU driver"),
)
_NOISE = re.compile(r"^\s*(File \"|Traceback|warnings?\.warn|\^+$|~+)")


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child process ended.

    Parameters
    ----------
    status
        Exit status; negative is the number of the signal that ended it, as on POSIX.
    tail
        The last lines it wrote to its error stream.
    was_killed_here
        Whether Stop now (or the end of a stop's patience) ended it.
    """

    status: int
    tail: tuple[str, ...] = ()
    was_killed_here: bool = False


def describe_failure(end: ChildEnd, *, said: str = "") -> str:
    """Say in one sentence what happened, with the way out; `said` is the run's own last error."""
    if said:
        return _with_advice(said)
    if end.status < 0:
        return _ended_by_signal(-end.status)
    last = last_words(end.tail)
    what = f"the training ended with status {end.status}"
    if not last:
        return f"{what} and said nothing; {_RESUME}, and its folder holds stderr.log"
    return _with_advice(f"{what}: {last}")


def last_words(lines: Sequence[str]) -> str:
    """Give the line of an error stream that says most: the last that is no part of a traceback."""
    for line in reversed(lines):
        if line.strip() and not _NOISE.match(line):
            return line.strip()
    return ""


def _ended_by_signal(number: int) -> str:
    if number == _SIGNAL_KILL:
        return (
            "the training was ended from outside (signal 9), often because the computer ran out "
            f"of memory: lower the batch size; {_RESUME}"
        )
    if number in (_ILLEGAL, _SEGFAULT):
        return (
            f"the training crashed (signal {number}) inside a library or a driver; {_RESUME}, or "
            "choose the CPU"
        )
    return f"the training was ended from outside (signal {number}); {_RESUME}"


def _with_advice(said: str) -> str:
    advice = next((advice for pattern, advice in _ADVICE if re.search(pattern, said, re.I)), "")
    text = said.rstrip(". ")
    return f"{text}: {advice}" if advice and advice not in text else text
