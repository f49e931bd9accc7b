"""The well on show against the nearest negative control of its plate: there, and back again."""

from __future__ import annotations

import math

from psygnal import Signal

from napari_tide.screens.well import Well
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session


class NearestControl:
    """Goes from the well on show to the negative control next to it, and back to the same field.

    The control becomes the well on show, so overlays, cells and every other dock follow it. Going
    anywhere else ends the comparison; other sites of the control do not.
    """

    changed = Signal()

    def __init__(self, session: Session, plate: PlateViewModel) -> None:
        self._session, self._plate = session, plate
        self._home: Place | None = None
        self._control: Well | None = None
        plate.grid_changed.connect(self._on_screen)
        session.events.place.connect(self._on_place)
        self._on_place(session.place)

    @property
    def home(self) -> Place | None:
        """Where the way back leads, while a control is on show for comparison."""
        return self._home

    @property
    def control(self) -> Well | None:
        """The nearest negative control of the well on show, or of the well that is compared."""
        return self._control

    @property
    def is_possible(self) -> bool:
        """Whether there is a control to show, or a well to go back to."""
        return self._control is not None

    @property
    def label(self) -> str:
        """Say what the next flip does: ``"Nearest DMSO: B02"``, ``"Back to C03"``."""
        if self._home is not None:
            return f"Back to {self._home.well}"
        if self._control is None:
            return "Nearest control"
        return f"Nearest {self._plate.compound(self._control) or 'control'}: {self._control}"

    @property
    def explanation(self) -> str:
        """Say what the next flip shows, or why there is nothing to compare with."""
        place = self._session.place
        if self._home is not None:
            return f"Show {self._home.well} again, the well that is compared"
        if place is None:
            return "No screen is open"
        if self._control is None and self._plate.control(place.well) == "negcon":
            return f"{place.well} is the only negative control of plate {place.plate}"
        if self._control is None:
            return (
                f"Plate {place.plate} has no negative controls; name them with Plate map…, in a "
                "column control with negcon"
            )
        return (
            f"Show {self._plate.describe(self._control)}, the negative control nearest to "
            f"{place.well} on this plate, at the same brightness"
        )

    def flip(self) -> None:
        """Show the control, or go back to the well it is compared with."""
        place, home = self._session.place, self._home
        if home is not None:
            self._home = None
            self._session.go_to(home.well, plate=home.plate, site=home.site)
        elif place is not None and self._control is not None:
            self._home = place
            self._session.go_to(self._control, site=self._site_like(place))

    def _site_like(self, place: Place) -> int | None:
        """Compare like with like: the same site, at the same distance from the well's rim."""
        screen, control = self._session.screen, self._control
        if screen is None or control is None:
            return None
        return place.site if place.site in screen.site_numbers(place.plate, control) else None

    def _on_screen(self) -> None:
        """Look again: another screen, or a plate map that names other controls."""
        self._home = None
        self._on_place(self._session.place)

    def _on_place(self, place: Place | None) -> None:
        home = self._home
        if (
            place is None
            or home is None
            or (place.plate, place.well) != (home.plate, self._control)
        ):
            self._home = None
            self._control = self._nearest(place.well) if place is not None else None
        self.changed.emit()

    def _nearest(self, here: Well) -> Well | None:
        controls = [
            well
            for well in self._plate.wells
            if well != here and self._plate.control(well) == "negcon"
        ]
        return min(controls, key=lambda well: _distance(here, well), default=None)


def _distance(here: Well, there: Well) -> tuple[float, Well]:
    return math.hypot(there.row - here.row, there.column - here.column), there
