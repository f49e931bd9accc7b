"""State of the Maps dock: drugs by structure, drugs by learned effect, and the wells' profiles.

The two drug maps hold the same drugs in the same order. Selections, the current well and what is
under the pointer live in the session; this only says which points they are.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_tide.screens.well import Well
from napari_tide.viewmodels.drug_table import DrugTable
from napari_tide.viewmodels.lasso import LassoMode, Mask, inside_polygon, lassoed
from napari_tide.viewmodels.map_colours import MapColours
from napari_tide.viewmodels.new_drug import NewDrug, place_between
from napari_tide.viewmodels.point_finder import PointFinder
from napari_tide.viewmodels.point_links import PointLinks, links_of_profiles
from napari_tide.viewmodels.profile_labels import cell_text, describe_profile, place_name
from napari_tide.viewmodels.session import Session

MapName = Literal["chemistry", "codebook", "profiles"]
MAPS: tuple[MapName, ...] = get_args(MapName)
DRUG_MAPS: tuple[MapName, ...] = ("chemistry", "codebook")
TITLES: dict[MapName, str] = {
    "chemistry": "Drugs by structure",
    "codebook": "Drugs by learned effect",
    "profiles": "Wells by profile",
}

Places = npt.NDArray[np.float32]
_NO_LINKS = PointLinks(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class MapStatus:
    """What is being done about a map that is not there yet."""

    kind: Literal["idle", "busy", "stopping", "failed"] = "idle"
    text: str = ""


IDLE = MapStatus()


class MapsViewModel:
    """What the Maps dock shows; reads and writes only the session."""

    points_changed = Signal(str)
    marks_changed = Signal()
    pointer_changed = Signal()
    status_changed = Signal(str)

    def __init__(self, session: Session) -> None:
        self.session = session
        self.colours = MapColours(session)
        self._drugs = DrugTable.of((), None)
        self._profile_links = _NO_LINKS
        self._places: dict[MapName, Places] = {}
        self._finders: dict[MapName, PointFinder] = {}
        self._status: dict[MapName, MapStatus] = {}
        self._own_profiles: Mask | None = None
        self._pointed: tuple[MapName, int] | None = None
        self._new_drug: NewDrug | None = None
        self._wells: dict[Hashable, npt.NDArray[np.integer]] = {}
        self._is_writing = False
        events = session.events
        events.screen.connect(self._on_screen)
        events.bundle.connect(self._on_student)
        events.profiles.connect(self._on_profiles)
        events.selection.connect(self._on_selection)
        events.hover.connect(self._on_hover)
        events.place.connect(self._on_place)
        self.colours.changed.connect(self._on_colours)
        self._on_screen()

    @property
    def drugs(self) -> DrugTable:
        """The student's drugs, as the screen knows them."""
        return self._drugs

    @property
    def new_drug(self) -> NewDrug | None:
        """The SMILES that was asked for, among the drugs."""
        return self._new_drug

    def n_points(self, name: MapName) -> int:
        """Count the points of a map, whether they have been laid out or not."""
        return len(self._links(name).group_of_point_N)

    def places(self, name: MapName) -> Places | None:
        """Give where the points of a map are, N x 2; nothing before they are laid out."""
        return self._places.get(name)

    def status(self, name: MapName) -> MapStatus:
        """Say what is being done about a map, or what went wrong."""
        return self._status.get(name, IDLE)

    def visible(self, name: MapName) -> Mask:
        """Tell which points are on show: those with a place, of kinds that are not hidden."""
        places = self._places.get(name)
        shown = self.colours.of(name).visible_N
        return shown if places is None else shown & np.isfinite(places[:, 0])

    def selected(self, name: MapName) -> Mask:
        """Tell which points are selected, here or in any other dock."""
        if name == "profiles":
            if self._own_profiles is not None:
                return self._own_profiles
            return self._profile_links.points_of(self.session.selection)
        if self.session.selected_drugs:
            return np.isin(self._drugs.names, list(self.session.selected_drugs))
        return self._drugs.links.points_of(self.session.selection)

    def current(self, name: MapName) -> npt.NDArray[np.intp]:
        """List the points of the well on show: its profiles, or its drug."""
        place = self.session.place
        if place is None:
            return np.empty(0, dtype=np.intp)
        rows = self._wells.get((place.plate, place.well.name), ())
        return np.flatnonzero(self._links(name).points_of(list(rows)))

    def hovered(self, name: MapName) -> npt.NDArray[np.intp]:
        """List the points under the pointer: of a well its drug, of a drug all its wells."""
        here = self.pointed(name)
        if here is not None:
            return np.array([here])
        drug = self.session.hovered_drug
        if drug in self._drugs.names:
            number = self._drugs.names.index(drug)
            if name != "profiles":
                return np.array([number])
            rows = self._drugs.links.rows_of(self._one(number))
        else:
            rows = self._rows_under_pointer()
        return np.flatnonzero(self._links(name).points_of(rows))

    def show_places(self, name: MapName, places: Places) -> None:
        """Show a map that has been laid out; a layout of other points changes nothing."""
        if len(places) == self.n_points(name):
            self._places[name] = places
            self._finders.pop(name, None)
            self.say(name, IDLE)
            self.points_changed.emit(name)

    def say(self, name: MapName, status: MapStatus) -> None:
        """Say what is being done about a map, or what went wrong."""
        if status != self.status(name):
            self._status[name] = status
            self.status_changed.emit(name)

    def nearest(
        self, name: MapName, place: tuple[float, float], *, unit_per_px: tuple[float, float]
    ) -> int | None:
        """Give the point under the pointer: the nearest one on show, within some pixels."""
        return self._finder(name).nearest(place, unit_per_px=unit_per_px)

    def neighbour(self, name: MapName, *, right: int = 0, up: int = 0) -> int | None:
        """Give the next point on show to the right, left, above or below the pointed one."""
        here = self.pointed(name)
        if here is None:
            current = self.current(name)
            here = int(current[0]) if len(current) else None
        return self._finder(name).neighbour(here, right=right, up=up)

    def lasso(self, name: MapName, corners: Sequence[tuple[float, float]], mode: LassoMode) -> None:
        """Select the points on show inside a line, add them to the selection, or take them out."""
        places = self._places.get(name)
        if places is None:
            return
        inside = inside_polygon(places, np.asarray(corners, dtype=np.float64).reshape(-1, 2))
        caught = inside & self.visible(name)
        self._select(
            name, lassoed(self.selected(name), inside, visible_N=caught, mode=mode), caught, mode
        )

    def toggle(self, name: MapName, point: int) -> None:
        """Add a point to the selection, or take it out."""
        selected, one = self.selected(name), self._one_of(name, point)
        mode: LassoMode = "subtract" if selected[point] else "add"
        self._select(name, lassoed(selected, one, visible_N=one, mode=mode), one, mode)

    def clear(self) -> None:
        """Select nothing."""
        self._own_profiles = None
        self.session.select([])
        self.marks_changed.emit()

    def point_at(self, name: MapName, point: int | None) -> None:
        """Say which point the pointer is on; other docks see its well, other maps its drug."""
        self._pointed = None if point is None else (name, point)
        self._is_writing = True
        if point is None:
            self.session.hover_over(None)
        elif name == "profiles":
            self.session.hover_over(self._well_here(self._rows_of_point(name, point)))
        else:
            rows = self._rows_of_point(name, point)
            self.session.hover_over(self._well_here(rows), drug=self._drugs.names[point])
        self._is_writing = False
        self.pointer_changed.emit()

    def pointed(self, name: MapName) -> int | None:
        """Give the point of this map the pointer is on."""
        return self._pointed[1] if self._pointed and self._pointed[0] == name else None

    def go_to(self, name: MapName, point: int) -> None:
        """Show the point's well; asked again, the drug's next well."""
        rows = self._rows_of_point(name, point)
        screen = self.session.screen
        if screen is None:
            self.session.report("no screen is open; open one to see the wells of these points")
            return
        if not rows:
            self.session.report(f"{self.title_of(name, point)} has no well on this screen")
            return
        places = self._places_of_rows(rows)
        here = self.session.place
        at = (here.plate, here.well.name) if here else ("", "")
        step = places.index(at) + 1 if at in places else 0
        plate, well = places[step % len(places)]
        self.session.go_to(Well.parse(well), plate=plate)

    def find(self, text: str) -> bool:
        """Select the drugs whose name, mechanism or targets hold a text; tell whether any does."""
        found = self._drugs.matches(text)
        if not found:
            return False
        mask = np.zeros(len(self._drugs), dtype=bool)
        mask[found] = True
        self._select("codebook", mask, mask, "replace")
        return True

    def show_new_drug(self, drug: NewDrug | None) -> None:
        """Mark the place of a SMILES on both drug maps, or take the mark away."""
        self._new_drug = drug
        self.marks_changed.emit()

    def new_place(self, name: MapName) -> tuple[float, float] | None:
        """Give the place of the SMILES that was asked for: between its nearest drugs."""
        places = self._places.get(name)
        if self._new_drug is None or places is None or name not in self._new_drug.nearest:
            return None
        number_of = {drug: number for number, drug in enumerate(self._drugs.names)}
        near = self._new_drug.nearest[name]
        return place_between(places, [(number_of[n.name], n.similarity) for n in near])

    def count_text(self) -> str:
        """Say how much is selected: ``"47 of 412 drugs, 188 of 3,840 wells"``."""
        parts = []
        if len(self._drugs):
            parts.append(f"{int(self.selected('codebook').sum()):,} of {len(self._drugs):,} drugs")
        if self._wells:
            wells = {(p, w) for p, w in self._places_of_rows(self.session.selection)}
            parts.append(f"{len(wells):,} of {len(self._wells):,} wells")
        elif self.n_points("profiles"):
            n_selected = int(self.selected("profiles").sum())
            parts.append(f"{n_selected:,} of {self.n_points('profiles'):,} profiles")
        return ", ".join(parts)

    def title_of(self, name: MapName, point: int) -> str:
        """Name a point: the drug, or plate and well."""
        profiles = self.session.profiles
        if name == "profiles":
            return place_name(profiles, point) if profiles else ""
        return self._drugs.names[point]

    def describe(self, name: MapName, point: int) -> str:
        """Say who a point is: ``"nocodazole · tubulin inhibitor · 6 wells"``."""
        profiles = self.session.profiles
        if name == "profiles":
            return describe_profile(profiles, point) if profiles else ""
        return self._drugs.describe(point)

    def smiles_of(self, name: MapName, point: int) -> str:
        """Give the structure behind a point; empty where it has none."""
        profiles = self.session.profiles
        if name == "profiles":
            return cell_text(profiles, "Metadata_SMILES", point) if profiles else ""
        return str(self._drugs.drugs["smiles"].iloc[point])

    def _links(self, name: MapName) -> PointLinks:
        return self._profile_links if name == "profiles" else self._drugs.links

    def _finder(self, name: MapName) -> PointFinder:
        if name not in self._finders:
            places = self._places.get(name, np.empty((0, 2), dtype=np.float32))
            self._finders[name] = PointFinder(places, self.visible(name)[: len(places)])
        return self._finders[name]

    def _one(self, drug: int) -> Mask:
        return self._one_of("codebook", drug)

    def _one_of(self, name: MapName, point: int) -> Mask:
        mask = np.zeros(self.n_points(name), dtype=bool)
        mask[point] = True
        return mask

    def _rows_of_point(self, name: MapName, point: int) -> frozenset[int]:
        return self._links(name).rows_of(self._one_of(name, point))

    def _rows_under_pointer(self) -> frozenset[int]:
        place, well = self.session.place, self.session.hover
        if place is None or well is None:
            return frozenset()
        return frozenset(self._wells.get((place.plate, well.name), np.empty(0, int)).tolist())

    def _places_of_rows(self, rows: Collection[int]) -> list[tuple[str, str]]:
        """List the wells of rows: those of the plate on show first, then by dose downwards."""
        screen, here = self.session.screen, self.session.place
        if screen is None or not rows:
            return []
        sites = screen.sites.iloc[sorted(rows)].drop_duplicates(["plate", "well"])
        is_here = sites["plate"] == (here.plate if here else "")
        ranked = sites.assign(is_here=is_here).sort_values(
            ["is_here", "dose_um"], ascending=False, kind="stable"
        )
        return list(zip(ranked["plate"], ranked["well"], strict=True))

    def _well_here(self, rows: frozenset[int]) -> Well | None:
        """Give the first of some rows' wells on the plate on show."""
        here = self.session.place
        found = self._places_of_rows(rows)
        return Well.parse(found[0][1]) if found and here and found[0][0] == here.plate else None

    def _select(self, name: MapName, after: Mask, caught: Mask, mode: LassoMode) -> None:
        if not caught.any():
            return
        rows = self._links(name).rows_of(caught)
        before = self.session.selection
        if mode == "add":
            rows = before | rows
        elif mode == "subtract":
            rows = before - rows
        self._own_profiles = after if name == "profiles" else None
        names = [] if name == "profiles" else np.asarray(self._drugs.names, object)[after].tolist()
        self._is_writing = True
        self.session.select(rows, drugs=names)
        self._is_writing = False
        self.marks_changed.emit()

    def _on_screen(self) -> None:
        sites = self.session.screen.sites if self.session.screen else None
        wells = [] if sites is None else sites.groupby(["plate", "well"]).indices.items()
        self._wells = {key: np.asarray(rows) for key, rows in wells}
        self._describe_drugs()
        self._describe_profiles()

    def _on_student(self) -> None:
        for name in DRUG_MAPS:
            self._forget(name)
        self._new_drug = None
        self._describe_drugs()

    def _on_profiles(self) -> None:
        self._forget("profiles")
        self._own_profiles = None
        self._describe_profiles()

    def _forget(self, name: MapName) -> None:
        self._places.pop(name, None)
        self._finders.pop(name, None)
        self._status.pop(name, None)
        self._pointed = None

    def _describe_drugs(self) -> None:
        student = self.session.bundle
        self._drugs = DrugTable.of(student.config.drugs if student else (), self.session.screen)
        self.colours.describe_drugs(self._drugs)
        for name in DRUG_MAPS:
            self.points_changed.emit(name)

    def _describe_profiles(self) -> None:
        profiles, screen = self.session.profiles, self.session.screen
        sites = screen.sites if screen else None
        self._profile_links = links_of_profiles(profiles, sites) if profiles else _NO_LINKS
        self.colours.describe_profiles(profiles, sites, self._profile_links)
        self.points_changed.emit("profiles")

    def _on_selection(self) -> None:
        if not self._is_writing:
            self._own_profiles = None
            self.marks_changed.emit()

    def _on_hover(self) -> None:
        if not self._is_writing:
            self._pointed = None
            self.pointer_changed.emit()

    def _on_colours(self) -> None:
        self._finders.clear()  # other points may be on show

    def _on_place(self) -> None:
        self.colours.follow_place()
        self.pointer_changed.emit()
