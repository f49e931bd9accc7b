"""State of the Hits dock: the question, its answer, and the links to the other docks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from psygnal import Signal

from napari_tide.errors import HitListFormatError, OutputWriteError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.well import Well
from napari_tide.viewmodels.background import Background, CancelToken, Steps
from napari_tide.viewmodels.gui_words import in_gui_words
from napari_tide.viewmodels.hit_facts import places_of
from napari_tide.viewmodels.hit_files import (
    ListedHits,
    OpenedProfiles,
    drugs_of,
    profile_steps,
    restore_steps,
    search_steps,
)
from napari_tide.viewmodels.hit_list_view import HitListView
from napari_tide.viewmodels.hit_names import HitNames
from napari_tide.viewmodels.hit_notes import HitNotes, read_notes, write_notes
from napari_tide.viewmodels.hit_places import SitesByWell
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.hit_record import Asked, refuse_foreign_record, write_record
from napari_tide.viewmodels.hit_rows import HitRows
from napari_tide.viewmodels.hit_search import HitSearch, Progress
from napari_tide.viewmodels.hit_store import HitStory, home_of_hits
from napari_tide.viewmodels.session import Session

Result = TypeVar("Result")

NO_PROFILES = (
    "there are no profiles to search yet; run the plate in the Plate dock, or use Open profiles…"
)


class HitsViewModel:
    """What the Hits dock shows.

    `list` is the answer as it is looked at; stars and notes belong to the screen, so they stay from
    question to question.
    """

    question_changed = Signal()
    profiles_changed = Signal()
    selection_changed = Signal()
    story_changed = Signal()
    busy_changed = Signal()
    problem_changed = Signal()

    def __init__(self, session: Session, background: Background) -> None:
        self.session = session
        self.list = HitListView()
        self._background, self._search = background, HitSearch()
        self._question = HitQuestion()
        self._names = HitNames()
        self._story: HitStory | None = None
        self._sites: SitesByWell | None = None
        self._scope: frozenset[int] = frozenset()
        self._opened: OpenedProfiles | None = None
        self._home: Path | None = None
        self._token: CancelToken | None = None
        self._doing, self._progress, self._problem = "", (0, 0), ""
        self._is_following = False
        session.events.screen.connect(self._on_screen)
        session.events.profiles.connect(self._on_profiles)
        session.events.selection.connect(self._on_selection)
        self.list.notes_changed.connect(self._keep_notes)
        self.list.current_changed.connect(self._follow)
        self._on_screen()
        self._on_profiles()
        self._on_selection(session.selection)

    @property
    def question(self) -> HitQuestion:
        """What is asked next."""
        return self._question

    @property
    def story(self) -> HitStory | None:
        """What the list on show answers, and how."""
        return self._story

    @property
    def names(self) -> HitNames:
        """What can be asked about by name."""
        return self._names

    @property
    def has_profiles(self) -> bool:
        """Whether there is anything to search."""
        return self.session.profiles is not None

    @property
    def n_selected(self) -> int:
        """How many wells are selected; those of the hit that is looked at do not count."""
        return len(self._selected_places())

    @property
    def problem(self) -> str:
        """What went wrong last, as one sentence; empty when all is well."""
        return self._problem

    @property
    def busy(self) -> str:
        """What is under way, for the user; empty when nothing is."""
        done, total = self._progress
        if self._doing and self._token is not None and self._token():
            return "cancelling…"
        return f"{self._doing} {done} of {total}…" if self._doing and total else self._doing

    @property
    def progress(self) -> Progress:
        """How much is done, of how much; of nothing while that is not known."""
        return self._progress

    def edit(self, question: HitQuestion) -> None:
        """Change what is asked next."""
        if question != self._question:
            self._question = question
            self.question_changed.emit()

    def ask(self) -> None:
        """Search in the background; an earlier search is given up."""
        question, profiles = self._question, self.session.profiles
        problem = self._why_not()
        self.report(problem)
        if problem or profiles is None:
            return
        if question.kind == "wells" or question.is_within_selection:
            wells = tuple(f"{plate}:{well}" for plate, well in self._selected_places())
            question = question.model_copy(update={"wells": wells})
        session = self.session
        asked = Asked(
            question, profiles, session.student, session.screen, tuple(session.profile_files)
        )
        self._start("ranking", partial(self._search_steps, asked), self._on_found)

    def cancel(self) -> None:
        """Give up what is under way; the list on show stays."""
        if self._token is not None and self._doing:
            self._token.cancel()
            self.busy_changed.emit()

    def open_profiles(self, path: Path) -> None:
        """Read profiles to search, in the background."""
        self.report("")

        def on_read(profiles: Profiles | None) -> None:
            if profiles is not None:
                self._opened = OpenedProfiles(path, profiles, self._source)
                self.session.use_profiles(profiles, files=[path])
                self._move_home()

        def work(token: CancelToken) -> Steps[Progress, Profiles | None]:
            del token
            return profile_steps(path)

        self._start(f"reading {path.name}…", work, on_read)

    def export(self, path: Path, *, starred_only: bool) -> None:
        """Write the rows on show as a hit list with its provenance beside it, or say why not."""
        try:
            refuse_foreign_record(path)
            n_rows = self.list.export(path, starred_only=starred_only)
            if self._story is not None:
                kept = {"starred_only": starred_only, "min_score": self.list.min_score}
                write_record(self._story.provenance, path, n_rows=n_rows, kept=kept)
        except OutputWriteError as error:
            self.report(str(error))
        else:
            self.report("")

    def report(self, problem: str) -> None:
        """Say in one sentence what went wrong; an empty one clears it."""
        problem = in_gui_words(problem)
        if problem != self._problem:
            self._problem = problem
            self.problem_changed.emit()

    def _why_not(self) -> str:
        question, choice = self._question, self._question.choice
        if not self.has_profiles:
            return NO_PROFILES
        if choice.takes_text and not question.text.strip():
            return f"nothing is asked yet; {choice.way_in}"
        if choice.needs_student and self.session.student is None:
            return (
                f"a {choice.title.lower()} is placed by a student, and none is chosen; choose the "
                "student of these profiles in the Plate dock"
            )
        wants_selection = question.kind == "wells" or question.is_within_selection
        drugs = self.session.selected_drugs
        if wants_selection and not self.n_selected and drugs:
            return (
                f"none of the {len(drugs)} selected drugs has a well on this screen; ask about one "
                "of them by name, or lasso others"
            )
        if wants_selection and not self.n_selected:
            return "no well is selected; drag over wells on the plate, or lasso points in a map"
        return ""

    def _search_steps(self, asked: Asked, token: CancelToken) -> Steps[Progress, ListedHits | None]:
        return search_steps(self._search, asked, home=self._home, token=token)

    def _start(
        self,
        doing: str,
        work: Callable[[CancelToken], Steps[Progress, Result]],
        on_done: Callable[[Result], None],
    ) -> None:
        if self._token is not None:
            self._token.cancel()
        token = self._token = CancelToken()
        self._doing, self._progress = doing, (0, 0)
        self.busy_changed.emit()

        def on_step(step: Progress) -> None:
            if token is self._token and step != self._progress:
                self._progress = step
                self.busy_changed.emit()

        def on_returned(result: Result) -> None:
            if token is self._token:
                self._rest()
                if not token():
                    on_done(result)

        def on_failed(sentence: str) -> None:
            if token is self._token:
                self._rest()
                self.report(sentence)

        self._background.start(
            partial(work, token),
            on_step=on_step,
            on_done=on_returned,
            on_failed=on_failed,
            token=token,
        )

    def _rest(self) -> None:
        self._doing, self._progress, self._token = "", (0, 0), None
        self.busy_changed.emit()

    def _on_found(self, found: ListedHits | None) -> None:
        if found is None:
            return
        self._story = found.story
        self.list.show(found.rows)
        self.story_changed.emit()
        self.report(found.problem)

    def _on_restored(self, found: ListedHits | None) -> None:
        if found is None:
            return
        if self._sites is not None and found.story.question.wells:
            places = [tuple(name.rpartition(":")[::2]) for name in found.story.question.wells]
            self._scope = frozenset(self._sites.rows((str(p), str(w)) for p, w in places))
            self.selection_changed.emit()
        self.edit(found.story.question.model_copy(update={"wells": ()}))
        self._on_found(found)

    def _on_screen(self) -> None:
        screen = self.session.screen
        self._sites = SitesByWell(screen) if screen is not None else None
        self._scope = frozenset()
        self._move_home()
        opened = self._opened
        if opened is not None and opened.source == self._source and not self.has_profiles:
            self.session.use_profiles(
                opened.profiles, files=[opened.path]
            )  # a plate map opens its screen anew

    @property
    def _source(self) -> str:
        return self.session.screen.source if self.session.screen is not None else ""

    def _move_home(self) -> None:
        """Show what was kept for this screen, or start afresh."""
        path = self._opened.path if self._opened else None
        home = home_of_hits(self.session.screen, path)
        if home == self._home:
            return
        self._home, self._story = home, None
        self.list.show(HitRows.empty())
        self.list.use_notes(self._kept_notes())
        self.story_changed.emit()
        if home is not None and home.is_dir():

            def work(token: CancelToken) -> Steps[Progress, ListedHits | None]:
                del token
                return restore_steps(home)

            self._start("reading the last hit list…", work, self._on_restored)

    def _kept_notes(self) -> HitNotes:
        try:
            return read_notes(self._home) if self._home is not None else HitNotes()
        except HitListFormatError as error:
            self.report(str(error))
            return HitNotes()

    def _keep_notes(self) -> None:
        if self._home is None:
            return
        try:
            write_notes(self.list.notes, self._home)
        except OutputWriteError as error:
            self.report(f"stars and notes will not be there after a restart: {error}")

    def _on_profiles(self) -> None:
        self._names = HitNames.of(self.session.profiles)
        self.profiles_changed.emit()

    def _on_selection(self, rows: frozenset[int]) -> None:
        if not self._is_following:
            self._scope = rows
            self.selection_changed.emit()

    def _selected_places(self) -> list[tuple[str, str]]:
        return self._sites.places(self._scope) if self._sites is not None else []

    def _follow(self) -> None:
        """Show the current hit's wells in the viewer and its drug in the overlays."""
        position = self.list.current
        if position is None:
            return
        places = places_of(self.list.rows, position)
        compound, _ = self.list.rows.key(position)
        if compound in drugs_of(self.session.student):
            self.session.choose_drug(compound)
        if self._sites is None or self.session.place is None:
            return
        there = [place for place in places if self._sites.has(place)]
        if not there:
            return
        self._is_following = True
        try:
            self.session.select(self._sites.rows(there))
        finally:
            self._is_following = False
        here = self.session.place.plate
        plate, well = next((place for place in there if place[0] == here), there[0])
        self.session.go_to(Well.parse(well), plate=plate)
