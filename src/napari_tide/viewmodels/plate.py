"""State of the Plate dock: the grid, its colours, the cursor and the selection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from psygnal import Signal

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate_view import NO_COLOUR, ColourChoice, PlateTable
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.well_colouring import RGB, Legend
from napari_tide.viewmodels.well_scores import ScoreColumn

EMPTY_FORMAT = PlateFormat.of(96)


class PlateViewModel:
    """What the Plate dock shows; reads and writes only the session."""

    grid_changed = Signal()
    colours_changed = Signal()
    place_changed = Signal()
    selection_changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self._table: PlateTable | None = None
        self._plate_name = ""
        self._choice = NO_COLOUR
        self._scores: tuple[ScoreColumn, ...] = ()
        self._fills: Mapping[Well, RGB] = {}
        self._legend = Legend()
        session.events.screen.connect(self._on_screen)
        session.events.place.connect(self._on_place)
        session.events.selection.connect(self._on_selection)
        if session.screen is not None:
            self._on_screen()
            self._on_place(session.place)

    @property
    def format(self) -> PlateFormat:
        """The whole grid, drawn whatever was imaged."""
        plate = self.session.plate
        return plate.format if plate else EMPTY_FORMAT

    @property
    def plate_names(self) -> list[str]:
        """The plates to choose from."""
        return self.session.screen.plate_names if self.session.screen else []

    @property
    def plate_name(self) -> str:
        """The plate on show."""
        return self._plate_name

    @property
    def wells(self) -> tuple[Well, ...]:
        """The imaged wells, row by row."""
        return self.session.plate.wells if self.session.plate else ()

    @property
    def current(self) -> Well | None:
        """The well on show."""
        return self.session.well

    @property
    def fills(self) -> Mapping[Well, RGB]:
        """Colour of each well the chosen column says something about."""
        return self._fills

    @property
    def legend(self) -> Legend:
        """What the colours mean."""
        return self._legend

    @property
    def colour_choices(self) -> list[ColourChoice]:
        """What wells can be coloured by: columns of the screen, then what a student found."""
        columns = self._table.choices() if self._table else [NO_COLOUR]
        return columns + [ColourChoice(score.column, score.title) for score in self._scores]

    @property
    def colour_choice(self) -> ColourChoice:
        """What wells are coloured by."""
        return self._choice

    @property
    def selected_wells(self) -> frozenset[Well]:
        """Wells on this plate with a selected site."""
        if self._table is None:
            return frozenset()
        chosen = self.session.selection
        return frozenset(
            well for well, rows in self._table.rows.items() if not chosen.isdisjoint(rows)
        )

    def is_imaged(self, well: Well) -> bool:
        """Tell whether the well has any site."""
        return self._table is not None and well in self._table.rows

    def control(self, well: Well) -> str:
        """Say whether a well is ``"negcon"``, ``"poscon"`` or neither."""
        return self._table.control(well) if self._table else ""

    def compound(self, well: Well) -> str:
        """Name the compound in a well; nothing where none is known."""
        known = self._table.treatments.get(well) if self._table else None
        return known.compound if known is not None else ""

    def describe(self, well: Well) -> str:
        """Say who a well is: ``"B03 · nocodazole 2.5 µM · 2 sites · P(taxol) 0.21"``."""
        said = self._table.describe(well) if self._table else well.name
        return " · ".join([said, *(s for score in self._scores if (s := score.describe(well)))])

    def place_text(self) -> str:
        """Say what is on show: ``"B03 · nocodazole 2.5 µM · site 1 of 2"``."""
        place, sites = self.session.place, self.session.sites
        if self._table is None or place is None:
            return ""
        which = f"site {sites.index(place.site) + 1} of {len(sites)}"
        parts = (place.well.name, self._table.treatment(place.well), which)
        return " · ".join(part for part in parts if part)

    def treatment(self) -> str:
        """Say what was done to the well on show."""
        well = self.current
        return self._table.treatment(well) if self._table and well else ""

    def colour_by(self, column: str) -> None:
        """Colour the wells by a column; a column that is not offered changes nothing."""
        offered = {choice.column: choice for choice in self.colour_choices}
        if column in offered and offered[column] != self._choice:
            self._choice = offered[column]
            self._recolour()

    def show_scores(self, scores: Sequence[ScoreColumn]) -> None:
        """Offer what a student found so far, and repaint where it is on show."""
        had_any, self._scores = bool(self._scores), tuple(scores)
        if not (had_any or scores):
            return
        offered = {choice.column: choice for choice in self.colour_choices}
        self._choice = offered.get(self._choice.column) or self._preferred()
        self._recolour()

    def step(self, *, rows: int = 0, columns: int = 0) -> None:
        """Go to the nearest imaged well up, down, left or right of the current one."""
        target = self.neighbour(rows=rows, columns=columns)
        if target is not None:
            self.session.go_to(target)

    def neighbour(self, *, rows: int = 0, columns: int = 0) -> Well | None:
        """Give the nearest imaged well up, down, left or right of the current one, if any."""
        here = self.current
        if here is None:
            return None
        ahead = [
            (abs(across), along, well)
            for well in self.wells
            for along, across in [_offset(here, well, rows=rows, columns=columns)]
            if along > 0
        ]
        return min(ahead)[2] if ahead else None

    def go_to_end(self, end: int, *, of_plate: bool = False) -> None:
        """Go to the first (-1) or last (1) imaged well of the current row, or of the plate."""
        here = self.current
        if here is None:
            return
        among = [well for well in self.wells if of_plate or well.row == here.row]
        self.session.go_to(min(among) if end < 0 else max(among))

    def select_wells(self, wells: Iterable[Well], *, add: bool = False) -> None:
        """Select every site of some wells."""
        chosen = self._rows_of(wells)
        self.session.select(self.session.selection | chosen if add else chosen)

    def toggle_well(self, well: Well) -> None:
        """Add a well to the selection, or take it out."""
        self.session.select(self.session.selection ^ self._rows_of([well]))

    def wells_between(self, first: Well, last: Well) -> list[Well]:
        """List the imaged wells in the rectangle two wells span."""
        top, bottom = sorted((first.row, last.row))
        left, right = sorted((first.column, last.column))
        return [w for w in self.wells if top <= w.row <= bottom and left <= w.column <= right]

    def _rows_of(self, wells: Iterable[Well]) -> frozenset[int]:
        table = self._table.rows if self._table else {}
        return frozenset(row for well in wells for row in table.get(well, ()))

    def _on_screen(self) -> None:
        self._plate_name = ""
        self._choice = NO_COLOUR

    def _on_place(self, place: Place | None) -> None:
        if place is None or self.session.screen is None:
            return
        if place.plate != self._plate_name:
            self._show_plate(self.session.screen, place.plate)
        self.place_changed.emit()

    def _show_plate(self, screen: Screen, plate: str) -> None:
        is_first = not self._plate_name
        self._plate_name = plate
        self._table = PlateTable.of(screen, plate)
        if is_first or self._choice not in self.colour_choices:
            self._choice = self._preferred()
        self.grid_changed.emit()
        self._recolour()

    def _preferred(self) -> ColourChoice:
        return self._table.preferred() if self._table else NO_COLOUR

    def _recolour(self) -> None:
        if self._table is None:
            return
        scores = {score.column: score for score in self._scores}
        if self._choice.column in scores:
            self._fills, self._legend = scores[self._choice.column].colours()
        else:
            self._fills, self._legend = self._table.colours(self._choice)
        self.colours_changed.emit()

    def _on_selection(self) -> None:
        self.selection_changed.emit()


def _offset(here: Well, there: Well, *, rows: int, columns: int) -> tuple[int, int]:
    """Give how far `there` lies along and across the direction of travel."""
    down, right = there.row - here.row, there.column - here.column
    return (down * rows, right) if rows else (right * columns, down)
