"""What all docks of one viewer share: the screen, where the user is, what is selected."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from psygnal import Signal, SignalGroup
from pydantic import BaseModel, ConfigDict

from napari_tide.errors import PlateValueError, ScreenValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.screen import Plate, Screen, Site
from napari_tide.screens.well import Well
from napari_tide.viewmodels.gui_words import in_gui_words
from napari_tide.viewmodels.place import Place, first_usable_place, place_in_well

OverlayMode = Literal["off", "tile", "dense", "controls"]

if TYPE_CHECKING:  # a bundle brings torch along, which a plate can be looked at without
    from napari_tide.students.bundle import Bundle


class SessionState(BaseModel):
    """What is written down of a session; read back from a file, so checked."""

    model_config = ConfigDict(extra="forbid")

    source: str
    plate: str
    well: str
    site: int
    selection: list[int] = []
    selected_drugs: list[str] = []


class SessionEvents(SignalGroup):
    """What a dock can listen to; each carries the new value."""

    screen = Signal(object)
    place = Signal(object)
    selection = Signal(object)
    hover = Signal(object)
    bundle = Signal(object)
    student = Signal(object)
    drug = Signal(str)
    overlay = Signal(str)
    profiles = Signal(object)
    problem = Signal(str)


class Session:
    """The shared state of one viewer's docks.

    Setting a value it already has announces nothing, so views may write back without a loop.
    Impossible requests change nothing but `problem`: one sentence for the user.
    """

    def __init__(self) -> None:
        self.events = SessionEvents()
        self._screen: Screen | None = None
        self._place: Place | None = None
        self._plates: dict[str, Plate] = {}
        self._selection: frozenset[int] = frozenset()
        self._selected_drugs: frozenset[str] = frozenset()
        self._hover: Well | None = None
        self._hovered_drug = ""
        self._bundle: Bundle | None = None
        self._student: Path | None = None
        self._drug = ""
        self._overlay: OverlayMode = "off"
        self._profiles: Profiles | None = None
        self._profile_files: tuple[Path, ...] = ()
        self._problem = ""

    @property
    def screen(self) -> Screen | None:
        """The open screen, if any."""
        return self._screen

    @property
    def place(self) -> Place | None:
        """The field of view on show."""
        return self._place

    @property
    def plate(self) -> Plate | None:
        """The plate on show."""
        return self._plates[self._place.plate] if self._place else None

    @property
    def well(self) -> Well | None:
        """The well on show."""
        return self._place.well if self._place else None

    @property
    def sites(self) -> list[int]:
        """The sites imaged in the well on show."""
        if self._screen is None or self._place is None:
            return []
        return self._screen.site_numbers(self._place.plate, self._place.well)

    @property
    def selection(self) -> frozenset[int]:
        """Selected rows of the site table."""
        return self._selection

    @property
    def selected_drugs(self) -> frozenset[str]:
        """Drugs selected by name, also those the screen has no well of; empty: go by the rows."""
        return self._selected_drugs

    @property
    def hover(self) -> Well | None:
        """The well under the pointer, in whichever dock that is."""
        return self._hover

    @property
    def hovered_drug(self) -> str:
        """The drug under the pointer, where a drug and not a well is pointed at."""
        return self._hovered_drug

    @property
    def bundle(self) -> Bundle | None:
        """The student in use as it was loaded, if any."""
        return self._bundle

    @property
    def student(self) -> Path | None:
        """The bundle's folder that profiles and overlays are made with, if one was chosen."""
        return self._student

    @property
    def drug(self) -> str:
        """The drug of the student that overlays and scores are about; empty for none."""
        return self._drug

    @property
    def overlay(self) -> OverlayMode:
        """What is laid over the field: nothing, P(drug) of tiles or patches, or against DMSO."""
        return self._overlay

    @property
    def profiles(self) -> Profiles | None:
        """Well profiles of what was run of this screen with this student, if anything was."""
        return self._profiles

    @property
    def profile_files(self) -> tuple[Path, ...]:
        """The files the profiles were opened from; none where they are of a run in this session."""
        return self._profile_files

    @property
    def problem(self) -> str:
        """What went wrong last, as one sentence; empty when all is well."""
        return self._problem

    def open(self, screen: Screen, *, place: Place | None = None) -> None:
        """Show a screen, at `place` or at the first site whose images are there."""
        start = place or first_usable_place(screen)
        missing = start is None
        if start is None:
            first = screen.site_at(0)
            start = Place(first.plate, first.well, first.number)
        is_another = self._screen is not None and self._screen.source != screen.source
        self._screen = screen
        self._plates = {name: screen.plate(name) for name in screen.plate_names}
        self._place = start
        self._selection, self._selected_drugs = frozenset(), frozenset()
        self._hover, self._hovered_drug = None, ""
        self.report("")
        if is_another:
            self.use_profiles(None)
        self.events.screen.emit(screen)
        self.events.place.emit(start)
        self.events.selection.emit(self._selection)
        if missing:
            self.report(
                f"none of the images of {screen.source} is there; "
                "open it again with the folder the images are in now (--images)"
            )

    def go_to(self, well: Well, *, plate: str | None = None, site: int | None = None) -> None:
        """Show a well, at the site given or its first one."""
        if self._screen is None or self._place is None:
            self.report("no screen is open; drop a plate folder on napari, or use Open Sample")
            return
        name = plate or self._place.plate
        known = name in self._plates
        usual = place_in_well(self._screen, name, well, like=self._place.site) if known else None
        if usual is None:
            self.report(f"well {well} of plate {name} was not imaged; choose a filled well")
            return
        if site is None:
            self._move(usual)
            return
        numbers = self._screen.site_numbers(name, well)
        if site not in numbers:
            self.report(f"well {well} has no site {site}; it has {', '.join(map(str, numbers))}")
            return
        self._move(Place(name, well, site))

    def go_to_named(self, name: str) -> None:
        """Show the well with a name such as ``"B03"``."""
        try:
            well = Well.parse(name)
        except PlateValueError as error:
            self.report(str(error))
        else:
            self.go_to(well)

    def choose_plate(self, name: str) -> None:
        """Show another plate, at the same well where it was imaged there too."""
        if self._screen is None or self._place is None:
            return
        if name not in self._plates:
            self.report(f"no plate {name!r} on this screen; it has {list(self._plates)[:10]}")
            return
        wells = self._plates[name].wells
        here = self._place.well
        self.go_to(here if here in wells else wells[0], plate=name)

    def step_plate(self, step: int) -> None:
        """Go `step` plates on, stopping at the screen's ends."""
        if self._place is None:
            return
        names = list(self._plates)
        target = names.index(self._place.plate) + step
        self.choose_plate(names[min(max(target, 0), len(names) - 1)])

    def step_well(self, step: int) -> None:
        """Go `step` imaged wells on, row by row, stopping at the plate's ends."""
        plate = self.plate
        if plate is None or self._place is None:
            return
        target = plate.wells.index(self._place.well) + step
        self.go_to(plate.wells[min(max(target, 0), len(plate.wells) - 1)])

    def step_site(self, step: int) -> None:
        """Go `step` sites on within the well, stopping at the ends."""
        numbers = self.sites
        if self._place is None or not numbers:
            return
        target = numbers.index(self._place.site) + step
        self.go_to(self._place.well, site=numbers[min(max(target, 0), len(numbers) - 1)])

    def site(self) -> Site | None:
        """Give the field on show with where its planes lie."""
        if self._screen is None or self._place is None:
            return None
        return self._screen.site(self._place.plate, self._place.well, self._place.site)

    def show_bundle(self, bundle: Bundle | None) -> None:
        """Give the chosen student as it was loaded; one that was not chosen yet is."""
        if bundle is not self._bundle:
            self._bundle = bundle
            self.choose_student(bundle.folder if bundle else None)
            self.events.bundle.emit(bundle)

    def select(self, rows: Iterable[int], *, drugs: Iterable[str] = ()) -> None:
        """Select rows of the site table, and the drugs they were found by where drugs were."""
        chosen, named = frozenset(rows), frozenset(drugs)
        if (chosen, named) != (self._selection, self._selected_drugs):
            self._selection, self._selected_drugs = chosen, named
            self.events.selection.emit(chosen)

    def hover_over(self, well: Well | None, *, drug: str = "") -> None:
        """Say which well the pointer is on, and which drug where it is on a drug."""
        if (well, drug) != (self._hover, self._hovered_drug):
            self._hover, self._hovered_drug = well, drug
            self.events.hover.emit(well)

    def choose_student(self, bundle: Path | None) -> None:
        """Say which student (a bundle's folder) the docks use from now on."""
        if bundle != self._student:
            self._student = bundle
            self.use_profiles(None)
            self.events.student.emit(bundle)

    def choose_drug(self, name: str) -> None:
        """Say which of the student's drugs overlays and scores are about."""
        if name != self._drug:
            self._drug = name
            self.events.drug.emit(name)

    def choose_overlay(self, mode: OverlayMode) -> None:
        """Say what is laid over the field."""
        if mode != self._overlay:
            self._overlay = mode
            self.events.overlay.emit(mode)

    def use_profiles(self, profiles: Profiles | None, *, files: Sequence[Path] = ()) -> None:
        """Say which well profiles belong to the open screen and the chosen student."""
        if profiles is not self._profiles:
            self._profiles, self._profile_files = profiles, tuple(files)
            self.events.profiles.emit(profiles)

    def report(self, problem: str) -> None:
        """Say in one sentence what went wrong; an empty one clears it."""
        problem = in_gui_words(problem)
        if problem != self._problem:
            self._problem = problem
            self.events.problem.emit(problem)

    def state(self) -> SessionState | None:
        """Give what is needed to come back to this place; nothing while no screen is open."""
        if self._screen is None or self._place is None:
            return None
        return SessionState(
            source=self._screen.source,
            plate=self._place.plate,
            well=self._place.well.name,
            site=self._place.site,
            selection=sorted(self._selection),
            selected_drugs=sorted(self._selected_drugs),
        )

    def restore(self, state: SessionState) -> None:
        """Go back to a place on the open screen and select what was selected."""
        if self._screen is None:
            message = f"open {state.source} before going back to well {state.well}"
            raise ScreenValueError(message)
        self.go_to(Well.parse(state.well), plate=state.plate, site=state.site)
        rows = [row for row in state.selection if 0 <= row < self._screen.n_sites]
        self.select(rows, drugs=state.selected_drugs)

    def _move(self, place: Place) -> None:
        if place != self._place:
            self._place = place
            self.report("")
            self.events.place.emit(place)
