"""What the maps are coloured by: one choice and one legend for all three."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from psygnal import Signal

from napari_tide.profiles.profiles import Profiles
from napari_tide.viewmodels.drug_scores import current_scores
from napari_tide.viewmodels.drug_table import DrugTable
from napari_tide.viewmodels.map_colouring import (
    KindColouring,
    MapLegend,
    NumberColouring,
    PointColours,
    plain_colours,
)
from napari_tide.viewmodels.map_values import KINDS, NUMBERS, ONE_COLOUR, SCORE, PointValues
from napari_tide.viewmodels.plate_view import ColourChoice
from napari_tide.viewmodels.point_links import PointLinks
from napari_tide.viewmodels.session import Session

Family = Literal["drugs", "profiles"]
FAMILIES: tuple[Family, ...] = ("drugs", "profiles")
_NOTHING = PointValues(pd.DataFrame())


class MapColours:
    """Colours, legend and hidden kinds; a kind has the same colour on every map."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._choice = ONE_COLOUR
        self._is_chosen = False
        self._hidden: frozenset[str] = frozenset()
        self._values: dict[Family, PointValues] = dict.fromkeys(FAMILIES, _NOTHING)
        self._colours: dict[Family, PointColours] = {}
        self._legend = MapLegend()

    @property
    def choices(self) -> list[ColourChoice]:
        """What the open screen, student and profiles allow to colour by."""
        told = [
            c for c in (*KINDS, *NUMBERS) if any(v.says(c.column) for v in self._values.values())
        ]
        return [ONE_COLOUR, *told, *([SCORE] if self._has_scores() else [])]

    @property
    def choice(self) -> ColourChoice:
        """What points are coloured by."""
        return self._choice

    @property
    def legend(self) -> MapLegend:
        """What the colours mean; counts are of drugs, and of profiles where there is no student."""
        self._colour_all()
        return self._legend

    @property
    def hidden(self) -> frozenset[str]:
        """Kinds that are not on show."""
        return self._hidden

    def of(self, name: str) -> PointColours:
        """Give the colours of one map's points."""
        self._colour_all()
        return self._colours["profiles" if name == "profiles" else "drugs"]

    def colour_by(self, column: str) -> None:
        """Colour by a column; everything is on show again."""
        offered = {choice.column: choice for choice in self.choices}
        if column in offered and offered[column] != self._choice:
            self._choice, self._is_chosen = offered[column], True
            self._hidden = frozenset()
            self._announce()

    def toggle(self, kind: str) -> None:
        """Hide a kind of points, or show it again."""
        self._hidden = self._hidden ^ {kind}
        self._announce()

    def show_only(self, kind: str) -> None:
        """Hide every other kind; where they are hidden already, show all again."""
        others = {entry.name for entry in self.legend.entries} - {kind}
        self._hidden = frozenset() if self._hidden == others else frozenset(others)
        self._announce()

    def describe_drugs(self, drugs: DrugTable) -> None:
        """Take over the drugs there are to colour."""
        self._values["drugs"] = PointValues.of_drugs(drugs)
        self._choose_anew()

    def describe_profiles(
        self, profiles: Profiles | None, sites: pd.DataFrame | None, links: PointLinks
    ) -> None:
        """Take over the profiles there are to colour."""
        self._values["profiles"] = (
            PointValues.of_profiles(profiles, sites, links) if profiles else _NOTHING
        )
        self._choose_anew()

    def follow_place(self) -> None:
        """Colour anew where colours speak of the well on show."""
        if self._choice == SCORE:
            self._announce()

    def _choose_anew(self) -> None:
        """Keep the user's choice while it is offered; else the first that tells points apart."""
        offered = self.choices
        if self._choice not in offered or not self._is_chosen:
            self._choice = offered[1] if len(offered) > 1 else ONE_COLOUR
            self._is_chosen = False
            self._hidden = frozenset()
        self._announce()

    def _announce(self) -> None:
        self._colours = {}
        self.changed.emit()

    def _has_scores(self) -> bool:
        student, profiles = self._session.bundle, self._session.profiles
        return bool(student and profiles and profiles.student == student.id)

    def _colour_all(self) -> None:
        if self._colours:
            return
        column = self._choice.column
        if self._choice == ONE_COLOUR:
            self._colours = {f: plain_colours(len(v.table)) for f, v in self._values.items()}
            self._legend = MapLegend()
        elif self._choice in KINDS:
            self._colour_kinds(column)
        else:
            self._colour_numbers(column)

    def _colour_kinds(self, column: str) -> None:
        kinds = {family: values.kinds(column) for family, values in self._values.items()}
        leading = kinds["drugs"] if any(kinds["drugs"]) else kinds["profiles"]
        colouring = KindColouring.of(leading)
        self._colours = {f: colouring.colours(k, hidden=self._hidden) for f, k in kinds.items()}
        self._legend = colouring.legend(leading, hidden=self._hidden)

    def _colour_numbers(self, column: str) -> None:
        numbers = {family: values.numbers(column) for family, values in self._values.items()}
        if self._choice == SCORE:
            of_drugs, of_profiles = current_scores(self._session)
            numbers = {"drugs": of_drugs, "profiles": of_profiles}
        both = np.concatenate(list(numbers.values()))
        colouring = NumberColouring.of(both, is_dose=column == "dose_um")
        self._colours = {family: colouring.colours(n) for family, n in numbers.items()}
        self._legend = colouring.legend()
