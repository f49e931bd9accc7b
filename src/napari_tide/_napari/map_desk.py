"""What the Maps dock works with, for one viewer: the viewmodel, its layouts, its files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_tide._napari.background_task import BackgroundTask
from napari_tide._napari.map_layouts import MapLayouts
from napari_tide.viewmodels.maps import MapsViewModel
from napari_tide.viewmodels.new_drug import NewDrug, find_neighbours
from napari_tide.viewmodels.session import Session

if TYPE_CHECKING:
    from napari_tide.inference.new_drugs import NewDrugs
    from napari_tide.profiles.profiles import Profiles
    from napari_tide.students.bundle import Bundle


class MapDesk:
    """Maps of one session; nothing is laid out before `layouts` is started."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.maps = MapsViewModel(session)
        self.layouts = MapLayouts(session, self.maps)
        self.opening = BackgroundTask()
        self.looking_up = BackgroundTask()
        self._new_drugs: NewDrugs | None = None
        self._opened: Path | None = None
        self.opening.failed.connect(session.report)
        self.looking_up.failed.connect(session.report)
        self.looking_up.done.connect(self.maps.show_new_drug)
        session.events.bundle.connect(self._on_student)

    def open_student(self, folder: Path) -> None:
        """Read a student in the background and use it."""
        self._session.report("")
        self.opening.done.disconnect()
        self.opening.done.connect(self._session.show_bundle)
        self.opening.run(f"reading {folder.name} …", partial(_read_student, folder))

    def open_profiles(self, path: Path) -> None:
        """Read profiles in the background and show them."""
        self._session.report("")
        self.opening.done.disconnect()
        self.opening.done.connect(self._on_profiles)
        self._opened = path
        self.opening.run(f"reading {path.name} …", partial(_read_profiles, path))

    def look_up(self, text: str) -> None:
        """Select the drugs a text names; else take it for a SMILES and find its place."""
        self._session.report("")
        if not text.strip():
            self.maps.show_new_drug(None)
            return
        if not _can_only_be_smiles(text) and self.maps.find(text):
            self.maps.show_new_drug(None)
            return
        student = self._session.bundle
        if student is None:
            self._session.report("choose a student before looking for a drug among its drugs")
            return
        self.looking_up.run("looking for its place …", partial(self._find, student, text))

    def _find(self, student: Bundle, smiles: str) -> NewDrug:
        from napari_tide.inference.new_drugs import NewDrugs

        if self._new_drugs is None:
            self._new_drugs = NewDrugs(student)
        return find_neighbours(self._new_drugs, smiles)

    def _on_profiles(self, profiles: Profiles) -> None:
        assert self._opened is not None
        self._session.use_profiles(profiles, files=[self._opened])

    def _on_student(self) -> None:
        self._new_drugs = None
        self.looking_up.cancel()


def _can_only_be_smiles(text: str) -> bool:
    """Tell bonds and brackets from a name; names have brackets too, but no bonds."""
    return any(sign in text for sign in "=#@")


def _read_student(folder: Path) -> Bundle:
    from napari_tide.students.bundle import load_bundle

    return load_bundle(folder)


def _read_profiles(path: Path) -> Profiles:
    from napari_tide.profiles.store import read_profiles

    return read_profiles(path)
