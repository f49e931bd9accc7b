"""Running the student over a field, a well or the plate, and finding earlier results again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels.background import Background, CancelToken, Steps
from napari_tide.viewmodels.plate_results import (
    OutcomeMaker,
    PlateResults,
    ResultsStep,
    SiteOutcome,
    wells_of_rows,
)
from napari_tide.viewmodels.results_folder import results_folder
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice
from napari_tide.viewmodels.time_left import TimeLeft
from napari_tide.viewmodels.well_profiles import (
    put_together,
    read_well_profiles,
    well_profiles,
)

Scope = Literal["field", "well", "plate"]
RunState = Literal["idle", "running", "cancelling"]

_REPAINT_EVERY_S = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """The plate and student that results belong to."""

    screen: Screen
    plate: str
    student: str
    folder: Path

    def is_same(self, other: _Target | None) -> bool:
        return self.is_of_same_screen(other) and self.plate == (other.plate if other else "")

    def is_of_same_screen(self, other: _Target | None) -> bool:
        return other is not None and (
            (self.screen.source, self.student) == (other.screen.source, other.student)
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """A run under way."""

    target: _Target
    rows: tuple[int, ...]
    token: CancelToken = field(default_factory=CancelToken)
    pace: TimeLeft = field(default_factory=TimeLeft)


class PlateRun:
    """What was run of the plate on show, and the run under way."""

    changed = Signal()  # state and progress
    results_changed = Signal()  # outcomes; at most a few times a second while a run goes on
    run_started = Signal(str)

    def __init__(self, session: Session, choice: StudentChoice, background: Background) -> None:
        self._session, self._choice, self._background = session, choice, background
        self._target: _Target | None = None
        self._results = PlateResults()
        self._run: _Run | None = None
        self._loading = CancelToken()
        self._is_finding = False
        self._n_done, self._said = 0, ""
        self._failed: list[SiteOutcome] = []
        self._told_at = 0.0
        self._again: Scope | None = None
        session.events.screen.connect(self._refresh)
        session.events.place.connect(self._refresh)
        choice.changed.connect(self._refresh)
        self._refresh()

    @property
    def results(self) -> PlateResults:
        """Outcomes of the plate on show with the chosen student."""
        return self._results

    @property
    def state(self) -> RunState:
        """Whether something runs."""
        if self._run is None:
            return "idle"
        return "cancelling" if self._run.token() else "running"

    @property
    def progress(self) -> tuple[int, int]:
        """Sites done and sites in all, of the run under way."""
        return self._n_done, len(self._run.rows) if self._run else 0

    @property
    def is_finding(self) -> bool:
        """Whether earlier results are being read."""
        return self._is_finding

    @property
    def can_run(self) -> bool:
        """Whether a run can start now."""
        return self._run is None and self._choice.is_ready and self._session.place is not None

    @property
    def text(self) -> str:
        """Say how the run stands, or how the last one ended."""
        if self._run is None:
            return self._said
        if self.state == "cancelling":
            return "cancelling…"
        done, total = self.progress
        if not done:
            return f"preparing {total} {_sites(total)}…"
        left = self._run.pace.say(done, total)
        return f"{done} of {total} {_sites(total)}" + (f", {left}" if left else "")

    def run(self, scope: Scope) -> None:
        """Run what is not done yet of the field, well or plate on show; all of it where it is."""
        target = self._target
        if not self.can_run or target is None:
            self._session.report(self._why_not())
            return
        wanted = self._rows_of(scope)
        rows = tuple(row for row in wanted if not self._results.is_done(row)) or wanted
        run = _Run(target, rows)
        self._run, self._n_done, self._said, self._failed = run, 0, "", []
        self._session.report("")
        means = self._results.means()
        self.run_started.emit(scope)
        self._background.start(
            lambda: self._work(run, means),
            on_step=lambda step: self._on_step(run, step),
            on_done=lambda profiles: self._on_done(run, profiles),
            on_failed=lambda sentence: self._on_failed(run, sentence),
            token=run.token,
        )
        self.changed.emit()

    def run_again_with_next(self) -> None:
        """Do with the student chosen next what was done with this one, as soon as it is there."""
        n_sites, n_wells = len(self._results.sites), len(self._results.wells)
        self._again = "plate" if n_wells > 2 else "well" if n_sites > 1 else "field"
        if not n_sites:
            self._again = None

    def cancel(self) -> None:
        """Stop after the batch under way; what is done is kept."""
        if self._run is not None and not self._run.token():
            self._run.token.cancel()
            self.changed.emit()

    def _work(
        self, run: _Run, means: dict[int, tuple[Well, npt.NDArray[np.float32]]]
    ) -> Steps[ResultsStep, Profiles | None]:
        from napari_tide.inference.site_store import SiteStore

        target, engine = run.target, self._choice.engine()
        rows_and_wells = wells_of_rows(target.screen, target.plate)
        maker = OutcomeMaker(engine.scorer, rows_and_wells, means)
        flags: dict[int, tuple[str, ...]] = {}
        plate, student = target.plate, target.student
        store = SiteStore.of(target.folder, target.screen, plate=plate, student=student)
        if run.token():
            return None
        with store:
            for record in engine.embed_sites(run.rows, is_cancelled=run.token):
                site = store.append(record)
                flags[site.row] = site.flags
                yield maker.step([site])
            # read anew: an earlier run may have left sites that were not found yet
            found = {site.row: site for site in store.read() if not site.error}
            means_D = {row: site.embeddings_ND.mean(axis=0) for row, site in found.items()}
            flags |= {row: site.flags for row, site in found.items()}
            here = well_profiles(target.screen, means_D, flags, student=student)
            if here is not None:
                write_profiles(here, store.wells_path)
        return put_together([here, *_other_plates(target)])

    def _on_step(self, run: _Run, step: ResultsStep) -> None:
        if run is not self._run:
            return
        self._n_done += len(step.sites)
        self._failed += [site for site in step.sites if site.error]
        if run.target.is_same(self._target):
            self._results.add(step)
            self._tell_soon()
        self.changed.emit()

    def _on_done(self, run: _Run, profiles: Profiles | None) -> None:
        if run is not self._run:
            return
        self._said = self._summary(run)
        self._run = None
        if run.target.is_same(self._target):
            self.results_changed.emit()
            if profiles is not None:
                self._session.use_profiles(profiles)
        self.changed.emit()

    def _on_failed(self, run: _Run, sentence: str) -> None:
        if run is not self._run:
            return
        done, total = self.progress
        self._said = f"stopped at {done} of {total} {_sites(total)}; what is done is kept"
        self._run = None
        self.results_changed.emit()
        self._session.report(sentence)
        self.changed.emit()

    def _summary(self, run: _Run) -> str:
        total, done = len(run.rows), self._n_done
        if done < total:
            return f"cancelled at {done} of {total} {_sites(total)}; Run goes on from there"
        failed = self._failed
        if failed:
            rest = "; the others are done" if len(failed) < total else ""
            self._session.report(
                f"{len(failed)} of {total} {_sites(total)} could not be read, the first in well "
                f"{failed[0].well}: {failed[0].error}{rest}"
            )
        n_read = total - len(failed)
        return f"{n_read} {_sites(n_read)} done" if n_read else "nothing could be read"

    def _tell_soon(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _REPAINT_EVERY_S:
            self._told_at = now
            self.results_changed.emit()

    def _rows_of(self, scope: Scope) -> tuple[int, ...]:
        screen, place = self._session.screen, self._session.place
        assert screen is not None
        assert place is not None
        sites = screen.sites
        here = sites["plate"] == place.plate
        if scope != "plate":
            here &= sites["well"] == place.well.name
        if scope == "field":
            here &= sites["site"] == place.site
        return tuple(int(row) for row in np.flatnonzero(here.to_numpy()))

    def _why_not(self) -> str:
        if self._run is not None:
            return "a run is under way; wait for it, or cancel it first"
        if self._session.screen is None:
            return "no screen is open; drop a plate folder on napari, or use Open Sample"
        return self._choice.unfit or "no student is chosen; choose one with Student: Browse…"

    def _refresh(self) -> None:
        """Follow the screen, plate and student; results of others are put away."""
        target, before = self._wanted_target(), self._target
        if target is before:
            self.changed.emit()
            return
        self._target = target
        if target is None or not target.is_same(before):
            self._put_away()
        if target is not None:
            self._find(target)  # also after a plate map was joined: the same results, other words
        self.changed.emit()

    def _put_away(self) -> None:
        run, target = self._run, self._target
        if run is not None and not run.target.is_of_same_screen(target):
            self.cancel()
        self._loading.cancel()
        self._results, self._said, self._is_finding = PlateResults(), "", False
        self.results_changed.emit()

    def _wanted_target(self) -> _Target | None:
        screen, place, bundle = self._session.screen, self._session.place, self._choice.bundle
        if screen is None or place is None or bundle is None or not self._choice.is_ready:
            return None
        known = self._target
        if known is not None and known.screen is screen and known.student == bundle.id:
            return known if known.plate == place.plate else replace(known, plate=place.plate)
        return _Target(screen, place.plate, bundle.id, results_folder(screen))

    def _find(self, target: _Target) -> None:
        self._loading.cancel()
        token = self._loading = CancelToken()
        self._is_finding = True

        def step(found: ResultsStep) -> None:
            if not token():
                self._results.add(found)

        def done(profiles: Profiles | None) -> None:
            if token():
                return
            self._is_finding = False
            self.results_changed.emit()
            if profiles is not None:
                self._session.use_profiles(profiles)
            scope, self._again = self._again, None
            if scope is not None and self.can_run:
                self.run(scope)
            self.changed.emit()

        def failed(sentence: str) -> None:
            if not token():
                self._is_finding = False
                self._session.report(sentence)
                self.changed.emit()

        self._background.start(
            self._finding_of(target), on_step=step, on_done=done, on_failed=failed, token=token
        )

    def _finding_of(self, target: _Target) -> Callable[[], Steps[ResultsStep, Profiles | None]]:
        scorer = self._choice.scorer
        assert scorer is not None

        def find() -> Steps[ResultsStep, Profiles | None]:
            from napari_tide.inference.site_store import SiteStore

            plate, student = target.plate, target.student
            store = SiteStore.of(target.folder, target.screen, plate=plate, student=student)
            maker = OutcomeMaker(scorer, wells_of_rows(target.screen, plate))
            newest = {site.row: site for site in store.read()}
            yield from maker.steps(newest.values())
            readable = {row: site for row, site in newest.items() if not site.error}
            means = {row: site.embeddings_ND.mean(axis=0) for row, site in readable.items()}
            flags = {row: site.flags for row, site in readable.items()}
            here = well_profiles(target.screen, means, flags, student=student)
            return put_together([here, *_other_plates(target)])

        return find


def _other_plates(target: _Target) -> list[Profiles | None]:
    from napari_tide.inference.site_store import SiteStore

    screen, student = target.screen, target.student
    others = [name for name in screen.plate_names if name != target.plate]
    stores = (SiteStore.of(target.folder, screen, plate=name, student=student) for name in others)
    return [read_well_profiles(screen, store.wells_path, student=student) for store in stores]


def _sites(n: int) -> str:
    return "site" if n == 1 else "sites"
