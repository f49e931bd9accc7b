"""Which student looks at the images: opened in the background, refused where it does not fit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_tide.errors import ScreenMissingError, TideError
from napari_tide.screens.sample_data import sample_folder
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.background import Background, CancelToken, Steps, ignore_step
from napari_tide.viewmodels.gui_words import in_gui_words
from napari_tide.viewmodels.preferences import Preferences
from napari_tide.viewmodels.recent_students import RecentStudents
from napari_tide.viewmodels.session import Session

if TYPE_CHECKING:  # torch is loaded with the first student, not with the dock
    from napari_tide.inference.drug_scorer import DrugScorer
    from napari_tide.inference.screen_engine import ScreenEngine
    from napari_tide.students.bundle import Bundle


class StudentChoice:
    """The student of one session, and what it needs to work on the open screen."""

    changed = Signal()

    def __init__(
        self,
        session: Session,
        background: Background,
        recent: RecentStudents | None = None,
        *,
        preferences: Callable[[], Preferences] = Preferences,
    ) -> None:
        self._session, self._background = session, background
        self._preferences = preferences
        self._recent = recent or RecentStudents()
        self._bundle: Bundle | None = None
        self._scorer: DrugScorer | None = None
        self._engine: ScreenEngine | None = None
        self._made_for: tuple[str, int | None] = ("", None)
        self._engine_lock = threading.Lock()
        self._loading: Path | None = None
        self._unfit = ""
        session.events.screen.connect(self._on_screen)
        session.events.student.connect(self._on_student)
        session.events.drug.connect(self._on_drug)
        if session.student is not None:
            self._on_student(session.student)
        elif session.screen is not None:
            self._on_screen(session.screen)

    @property
    def bundle(self) -> Bundle | None:
        """The student in use, if any."""
        return self._bundle

    @property
    def scorer(self) -> DrugScorer | None:
        """Its codebook, ready for products."""
        return self._scorer

    @property
    def name(self) -> str:
        """What the student is called; empty for none."""
        return self._bundle.config.name if self._bundle else ""

    @property
    def is_loading(self) -> bool:
        """Whether one is being opened."""
        return self._loading is not None

    @property
    def unfit(self) -> str:
        """Why the student cannot look at the open screen; empty where it can."""
        return self._unfit

    @property
    def is_ready(self) -> bool:
        """Whether fields of the open screen can be run."""
        return self._bundle is not None and self._session.screen is not None and not self._unfit

    @property
    def drugs(self) -> tuple[str, ...]:
        """The drugs the student knows."""
        return self._scorer.drugs if self._scorer else ()

    @property
    def drug(self) -> int | None:
        """The position of the session's drug in the codebook."""
        name = self._session.drug
        return self.drugs.index(name) if name in self.drugs else None

    def recent(self) -> list[Path]:
        """List folders to choose from: the bundled student and those opened last."""
        bundled = bundled_student()
        known = self._recent.folders()
        return [*([bundled] if bundled else []), *(f for f in known if f != bundled)]

    def open(self, folder: Path) -> None:
        """Open a bundle in the background; the newest wins, a refused one changes nothing."""
        self._loading = folder
        self._session.report("")
        self.changed.emit()

        def done(loaded: tuple[Bundle, DrugScorer]) -> None:
            if self._loading == folder:
                self._loading = None
                self._take(*loaded)

        def failed(sentence: str) -> None:
            if self._loading == folder:
                self._loading = None
                self._refuse(sentence)

        self._background.start(
            _loading_of(folder),
            on_step=ignore_step,
            on_done=done,
            on_failed=failed,
            token=CancelToken(),
        )

    def engine(self) -> ScreenEngine:
        """Give the student made ready for the open screen; slow the first time, so off the GUI.

        Raises
        ------
        TideError
            The student does not fit the screen.
        """
        from napari_tide.inference.embedder import Embedder
        from napari_tide.inference.screen_engine import ScreenEngine

        screen, bundle, wanted = self._session.screen, self._bundle, self._preferences()
        assert screen is not None
        assert bundle is not None
        device, batch_tiles = wanted.device, wanted.batch_tiles
        with self._engine_lock:
            known = self._engine
            if (
                known is None
                or known.bundle is not bundle
                or self._made_for != (device, batch_tiles)
            ):
                fitted = Embedder.fitted(bundle.student, device=device, batch_tiles=batch_tiles)
                self._engine = ScreenEngine.of(screen, bundle, embedder=fitted)
                self._made_for = device, batch_tiles
            elif known.screen is not screen:
                self._engine = ScreenEngine.of(screen, bundle, embedder=known.embedder)
            assert self._engine is not None
            return self._engine

    def _take(self, bundle: Bundle, scorer: DrugScorer) -> None:
        screen = self._session.screen
        unfit = _misfit(screen, bundle) if screen else ""
        if unfit and self._session.student != bundle.folder:
            self._refuse(unfit)
            return
        self._bundle, self._scorer, self._unfit = bundle, scorer, unfit
        self._recent.remember(bundle.folder)
        self._session.choose_student(bundle.folder)
        self._session.show_bundle(bundle)
        if self._session.drug not in scorer.drugs:
            self._session.choose_drug(self._first_drug(scorer.drugs))
        self._session.report(unfit)
        self.changed.emit()

    def _refuse(self, sentence: str) -> None:
        self._session.choose_student(self._bundle.folder if self._bundle else None)
        self._session.report(sentence)
        self.changed.emit()

    def _first_drug(self, drugs: tuple[str, ...]) -> str:
        """Start with a drug that can be seen: of the well on show, else of the plate on show."""
        screen, place = self._session.screen, self._session.place
        if screen is None or place is None:
            return drugs[0]
        plate = screen.sites[screen.sites["plate"] == place.plate]
        here = plate.loc[plate["well"] == place.well.name, "compound"]
        treated = plate.loc[plate["control"] == "", "compound"]
        known = set(drugs)
        shown = (str(name) for name in [*here, *treated, *plate["compound"]])
        return next((name for name in shown if name in known), drugs[0])

    def _on_screen(self, screen: Screen) -> None:
        if self._bundle is not None:
            self._unfit = _misfit(screen, self._bundle)
            if self._unfit:
                self._session.report(self._unfit)
            self.changed.emit()
            return
        own = screen.root / "student"
        if not self.is_loading and (own / "config.json").is_file():
            self.open(own)

    def _on_student(self, folder: Path | None) -> None:
        if folder is None:
            self._bundle, self._scorer, self._unfit = None, None, ""
            self.changed.emit()
        elif self._bundle is None or self._bundle.folder != folder:
            self.open(folder)

    def _on_drug(self) -> None:
        self.changed.emit()


def bundled_student() -> Path | None:
    """Give the student that comes with the sample screen, where there is one."""
    try:
        folder = sample_folder() / "student"
    except ScreenMissingError:
        return None
    return folder if (folder / "config.json").is_file() else None


def _misfit(screen: Screen, bundle: Bundle) -> str:
    from napari_tide.inference.screen_engine import require_fit

    try:
        require_fit(screen, bundle)
    except TideError as error:
        return in_gui_words(str(error))
    return ""


def _loading_of(folder: Path) -> Callable[[], Steps[None, tuple[Bundle, DrugScorer]]]:
    def load() -> Steps[None, tuple[Bundle, DrugScorer]]:
        from napari_tide.inference.drug_scorer import DrugScorer
        from napari_tide.students.bundle import load_bundle

        yield
        bundle = load_bundle(folder)
        return bundle, DrugScorer.of(bundle)

    return load
