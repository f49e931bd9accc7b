"""What the Hits dock reads and writes, as work for a background thread."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from napari_tide.errors import OutputWriteError
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles
from napari_tide.viewmodels.background import CancelToken, Steps
from napari_tide.viewmodels.hit_record import Asked
from napari_tide.viewmodels.hit_rows import HitRows
from napari_tide.viewmodels.hit_search import HitSearch, Progress
from napari_tide.viewmodels.hit_store import HitStory, read_answer, write_answer


@dataclass(frozen=True, slots=True, eq=False)
class ListedHits:
    """A hit list made ready to be shown.

    Parameters
    ----------
    problem
        Why it could not be kept for next time; empty when it was.
    """

    rows: HitRows
    story: HitStory
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OpenedProfiles:
    """Profiles read from a file, and the screen they were opened for."""

    path: Path
    profiles: Profiles
    source: str


def search_steps(
    search: HitSearch, asked: Asked, *, home: Path | None, token: CancelToken
) -> Steps[Progress, ListedHits | None]:
    """Answer a question and keep the answer; nothing comes of a cancelled search."""
    answer = yield from search.steps(asked, token)
    if answer is None:
        return None
    problem = ""
    if home is not None:
        try:
            write_answer(answer, home)
        except OutputWriteError as error:
            problem = f"this list will not be there after a restart: {error}"
    return ListedHits(_ready(HitRows(answer.table)), answer.story, problem)


def restore_steps(home: Path) -> Generator[Progress, None, ListedHits | None]:
    """Read the list kept in a folder, if there is one."""
    yield 0, 0
    answer = read_answer(home)
    return None if answer is None else ListedHits(_ready(HitRows(answer.table)), answer.story)


def profile_steps(path: Path) -> Generator[Progress, None, Profiles]:
    """Read a profile table."""
    yield 0, 0
    return read_profiles(path)


def drugs_of(student: Path | None) -> frozenset[str]:
    """Name the drugs a student knows; none where its folder does not say."""
    if student is None:
        return frozenset()
    try:
        drugs = json.loads((student / "config.json").read_text(encoding="utf-8"))["drugs"]
        return frozenset(str(drug["name"]) for drug in drugs)
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def _ready(rows: HitRows) -> HitRows:
    """Index the rows here, so that the first star does not wait for it."""
    assert rows.positions is not None
    return rows
