"""A whole screen through a student: resumable, cancellable, and nothing half-written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from napari_tide.errors import OutputExistsError, OutputWriteError
from napari_tide.inference.embedder import PRECISIONS, Embedder, Precision
from napari_tide.inference.journal import ChunkRecord, Journal, journal_path, unfinished_plan
from napari_tide.inference.plan import Chunk, ProfilePlan, make_plan
from napari_tide.inference.run_chunk import run_chunks
from napari_tide.inference.site_profiles import RecordReader, write_level
from napari_tide.profiles.profiles import Level
from napari_tide.screens.screen import Screen
from napari_tide.students.bundle import Bundle

Runner = Callable[[ProfilePlan, Sequence[Chunk]], Iterable[ChunkRecord]]


@dataclass(frozen=True, slots=True)
class SkippedSite:
    """A site that could not be profiled, and why."""

    plate: str
    well: str
    site: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProfileRun:
    """What came of a run."""

    out: Path
    n_sites: int
    n_resumed: int
    n_done: int
    skipped: tuple[SkippedSite, ...]
    is_complete: bool


def profile_screen(
    screen: Screen,
    bundle: Bundle,
    out: Path,
    *,
    embedder: Embedder,
    level: Level = "tile",
    overwrite: bool = False,
    runner: Runner | None = None,
    progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] = bool,
) -> ProfileRun:
    """Embed every site of a screen and write profiles at a level.

    What is finished is kept in ``<out>.journal``; running the same call again goes on from there.
    Sites that cannot be read are listed in ``<out>.skipped.csv`` and the rest goes on.
    ``.h5ad`` is written for scanpy, any other name as Parquet.

    Parameters
    ----------
    runner
        Who works through the chunks, in any order; this process by default.
    progress
        Called with sites done and sites in all: once before the first, then after every chunk.
    is_cancelled
        Asked between batches; once it is true the run stops, and can go on later.

    Raises
    ------
    OutputExistsError
        `out` is there already, or its journal belongs to another run.
    """
    _refuse_existing(out, overwrite=overwrite)
    plan = make_plan(screen, bundle, embedder, by_cell=level == "cell")
    with Journal(journal_path(out)) as journal:
        _refuse_existing(out, overwrite=overwrite)  # another run may have finished meanwhile
        _begin(journal, plan, embedder, out)
        waiting = [chunk for chunk in plan.chunks if chunk.number not in journal.finished]
        n_resumed = screen.n_sites - sum(chunk.stop - chunk.start for chunk in waiting)
        done = n_resumed
        if progress is not None:
            progress(done, screen.n_sites)
        run = runner or (
            lambda plan, chunks: run_chunks(plan, chunks, embedder, is_cancelled=is_cancelled)
        )
        for record in run(plan, waiting):
            journal.append(record)
            chunk = plan.chunks[record.chunk]
            done += chunk.stop - chunk.start
            if progress is not None:
                progress(done, screen.n_sites)
        is_complete = len(journal.finished) == len(plan.chunks)
        reader = RecordReader(screen, plan, journal)
        skipped = tuple(SkippedSite(*facts) for facts in reader.skipped())
        if is_complete:
            write_level(reader, out, level=level, student=bundle.id)
            _list_skipped(skipped, out)
    if is_complete:
        journal.path.unlink()
    return ProfileRun(out, screen.n_sites, n_resumed, done, skipped, is_complete)


def settings_to_go_on(
    out: Path, precision: Precision | Literal["auto"], batch_tiles: int | None
) -> tuple[Precision | Literal["auto"], int | None]:
    """Give what an unfinished run to `out` chose by itself, where the user leaves it open.

    Measured again, a close call could fall the other way, and the run could not go on.
    """
    plan = unfinished_plan(out) or {}
    begun_precision, begun_batch = plan.get("precision"), plan.get("batch_tiles")
    if precision == "auto" and begun_precision in PRECISIONS:
        precision = begun_precision
    if batch_tiles is None and isinstance(begun_batch, int):
        batch_tiles = begun_batch
    return precision, batch_tiles


def _refuse_existing(out: Path, *, overwrite: bool) -> None:
    if out.exists() and not overwrite:
        message = f"{out} is already there; choose another name, or replace it: --overwrite"
        raise OutputExistsError(message)


def _begin(journal: Journal, plan: ProfilePlan, embedder: Embedder, out: Path) -> None:
    if journal.plan is None:
        settings = {"precision": embedder.precision, "batch_tiles": embedder.batch_tiles}
        journal.begin({"identity": plan.identity, **settings})
    elif journal.plan.get("identity") != plan.identity:
        message = (
            f"{journal.path} holds an unfinished run of another screen, student or setting; finish "
            f"that one, delete the file, or choose another name than {out.name}"
        )
        raise OutputExistsError(message)


def _list_skipped(skipped: Sequence[SkippedSite], out: Path) -> None:
    path = out.with_name(out.name + ".skipped.csv")
    if not skipped:
        path.unlink(missing_ok=True)
        return
    rows = [(site.plate, site.well, site.site, site.reason) for site in skipped]
    try:
        table = pd.DataFrame(rows, columns=["plate", "well", "site", "reason"])
        table.to_csv(path, index=False)
    except OSError as error:
        message = f"cannot write {path} ({error.strerror}); choose another --out"
        raise OutputWriteError(message) from error
