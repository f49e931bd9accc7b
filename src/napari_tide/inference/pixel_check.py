"""Every plane of a screen, read once: which cannot be read, and which fields look wrong."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from napari_tide.errors import TideError
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.quality import (
    PlaneQuality,
    QualityFlags,
    judge_plane,
    out_of_focus_on_plate,
)
from napari_tide.imaging.reading_threads import n_usable_cores, reading_threads
from napari_tide.plane_address import PlaneAddress
from napari_tide.screens.screen import Screen, Site

_FIELDS_AHEAD_PER_CORE = 2
FLAGS = ("empty", "saturated", "out of focus", "edge of well")
_TRANSMITTED = "Brightfield"


@dataclass(frozen=True, slots=True)
class UnreadablePlane:
    """A plane that cannot be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FlaggedSite:
    """A field that looks wrong.

    Parameters
    ----------
    plate, well, site
        Which it is.
    flags
        ``"empty"``, ``"saturated"``, ``"out of focus"``, ``"edge of well"``.
    """

    plate: str
    well: str
    site: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PixelCheck:
    """What reading every plane of a screen found.

    Parameters
    ----------
    planes
        How many were read.
    unreadable
        Those that are missing, damaged or cut short.
    flagged
        Fields that look wrong, as far as their planes could be read.
    is_complete
        All planes were read; not so where the check was cancelled.
    """

    planes: int
    unreadable: tuple[UnreadablePlane, ...]
    flagged: tuple[FlaggedSite, ...]
    is_complete: bool

    def counts(self) -> dict[str, int]:
        """Count the fields with each flag."""
        counted = Counter(flag for site in self.flagged for flag in site.flags)
        return {flag: counted[flag] for flag in FLAGS}

    def sentence(self) -> str:
        """Say in one sentence what cannot be read."""
        if not self.unreadable:
            return f"all {self.planes} planes can be read"
        n, first = len(self.unreadable), self.unreadable[0]
        return (
            f"{n} of {self.planes} planes cannot be read, the first: {first.reason}"
            f"{'; the others are fine' if n < self.planes else ''}"
        )


@dataclass(frozen=True, slots=True)
class _JudgedSite:
    """A site with the quality of its stains; transmitted light says nothing about them."""

    plate: str
    well: str
    site: int
    stains: Mapping[str, PlaneQuality]


def check_pixels(
    screen: Screen,
    *,
    progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] = bool,
) -> PixelCheck:
    """Read and judge every plane of a screen; one that cannot be read does not stop the others.

    Parameters
    ----------
    screen
        Its sites are read in their order, several planes at once.
    progress
        Called with sites done and sites in all.
    is_cancelled
        Asked before every site; what has been read by then is told.
    """
    unreadable: list[UnreadablePlane] = []
    judged: list[_JudgedSite] = []
    n_planes = 0
    for done, (site, outcomes) in enumerate(_outcomes(screen, is_cancelled), start=1):
        n_planes += len(outcomes)
        unreadable += [
            UnreadablePlane(str(site.planes[name]), str(outcome))
            for name, outcome in outcomes.items()
            if isinstance(outcome, TideError)
        ]
        stains = {
            name: it
            for name, it in outcomes.items()
            if isinstance(it, PlaneQuality) and not name.startswith(_TRANSMITTED)
        }
        judged.append(_JudgedSite(site.plate, site.well.name, site.number, stains))
        if progress is not None:
            progress(done, screen.n_sites)
    return PixelCheck(
        planes=n_planes,
        unreadable=tuple(unreadable),
        flagged=tuple(_flagged(judged)),
        is_complete=len(judged) == screen.n_sites,
    )


def _outcomes(
    screen: Screen, is_cancelled: Callable[[], bool]
) -> Iterator[tuple[Site, dict[str, PlaneQuality | TideError]]]:
    """Judge the planes of each site, reading a few sites ahead."""
    waiting: deque[tuple[Site, dict[str, Future[PlaneQuality | TideError]]]] = deque()
    submit = reading_threads().submit
    try:
        for row in range(screen.n_sites):
            if is_cancelled():
                return
            site = screen.site_at(row)
            waiting.append((site, {name: submit(_judge, at) for name, at in site.planes.items()}))
            if len(waiting) > _FIELDS_AHEAD_PER_CORE * n_usable_cores():
                yield _result(*waiting.popleft())
        while waiting and not is_cancelled():
            yield _result(*waiting.popleft())
    finally:
        for _, jobs in waiting:
            for job in jobs.values():
                job.cancel()


def _result(
    site: Site, jobs: Mapping[str, Future[PlaneQuality | TideError]]
) -> tuple[Site, dict[str, PlaneQuality | TideError]]:
    return site, {name: job.result() for name, job in jobs.items()}


def _judge(address: PlaneAddress) -> PlaneQuality | TideError:
    try:
        return judge_plane(read_plane(address))
    except TideError as error:
        return error


def _flagged(judged: Sequence[_JudgedSite]) -> Iterator[FlaggedSite]:
    blurred = _blurred_on_their_plate(judged)
    for number, it in enumerate(judged):
        names = {*QualityFlags(it.stains).names} if it.stains else set()
        if number in blurred and "empty" not in names:
            names.add("out of focus")
        if names:
            ordered = tuple(flag for flag in FLAGS if flag in names)
            yield FlaggedSite(it.plate, it.well, it.site, ordered)


def _blurred_on_their_plate(judged: Sequence[_JudgedSite]) -> set[int]:
    """Give the sites of which half the stains that show anything are blurred for their plate."""
    shown, blurred = Counter[int](), Counter[int]()
    for numbers, scores in _scores_by_plate_and_stain(judged):
        shown.update(numbers)
        is_out = out_of_focus_on_plate(np.array(scores, dtype=np.float64))
        blurred.update(number for number, is_one in zip(numbers, is_out, strict=True) if is_one)
    return {number for number, n in blurred.items() if 2 * n >= shown[number]}


def _scores_by_plate_and_stain(
    judged: Sequence[_JudgedSite],
) -> Iterable[tuple[list[int], list[float]]]:
    grouped: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for number, it in enumerate(judged):
        for stain, quality in it.stains.items():
            if not quality.is_empty:
                numbers, scores = grouped.setdefault((it.plate, stain), ([], []))
                numbers.append(number)
                scores.append(quality.focus_score)
    return grouped.values()
