"""What is laid over the field on show: where a student recognises the chosen drug."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.viewmodels.background import Background, CancelToken, Steps, ignore_step
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.session import OverlayMode, Session
from napari_tide.viewmodels.student_choice import StudentChoice

if TYPE_CHECKING:
    from napari_tide.viewmodels.field_scores import FieldMap, FieldScores

TITLES: Mapping[OverlayMode, str] = {
    "off": "Off",
    "tile": "P(drug) by tile",
    "dense": "P(drug) dense",
    "controls": "Against DMSO",
}
_MOST_FIELDS = 24  # five megabytes each for a 1080 x 1080 field

Key = tuple[str, str, Place]


class OverlayViewModel:
    """The map over the field on show; fields are looked at in the background as they are needed."""

    changed = Signal()

    def __init__(
        self, session: Session, choice: StudentChoice, run: PlateRun, background: Background
    ) -> None:
        self._session, self._choice, self._plate_run = session, choice, run
        self._background = background
        self._fields: OrderedDict[Key, FieldScores] = OrderedDict()
        self._failed: dict[Key, str] = {}
        self._wanted: Key | None = None
        self._token = CancelToken()
        self._map: FieldMap | None = None
        self._text = ""
        self._shows_run: bool | None = None
        session.events.place.connect(self._follow)
        session.events.overlay.connect(self._on_mode)
        choice.changed.connect(self._refresh)
        run.run_started.connect(self._on_run)
        run.results_changed.connect(self._follow)

    @property
    def map(self) -> FieldMap | None:
        """Values from 0 to 1 over the field's pixels, NaN where no tile lies; or no map."""
        return self._map

    @property
    def text(self) -> str:
        """Say why there is no map, and what to do about it."""
        return self._text

    @property
    def title(self) -> str:
        """Say what the map shows: ``"P(taxol)"``."""
        drug, mode = self._session.drug, self._session.overlay
        return f"{drug} against DMSO" if mode == "controls" else f"P({drug})"

    @property
    def is_busy(self) -> bool:
        """Whether the field on show is being looked at."""
        return self._wanted is not None

    def top_drugs_at(self, y: float, x: float) -> list[tuple[str, float]]:
        """Name the five most probable drugs of the tile under a pixel of the field on show."""
        scorer, scores = self._choice.scorer, self._known()
        return scores.top_drugs_at(scorer, y, x) if scorer and scores else []

    def _on_mode(self) -> None:
        self._shows_run = False  # from now on the user says what is laid over the field
        self._refresh()

    def _on_run(self) -> None:
        """Lay the first run's answer over the field, as the plate takes its colours."""
        if self._shows_run is None:
            self._shows_run = True

    def _follow(self) -> None:
        if self._shows_run and self._known() is not None:
            self._session.choose_overlay("tile")
        else:
            self._refresh()

    def _refresh(self) -> None:
        self._map, self._text = self._look()
        self.changed.emit()

    def _look(self) -> tuple[FieldMap | None, str]:
        mode, scorer, drug = self._session.overlay, self._choice.scorer, self._choice.drug
        if mode == "off" or scorer is None or not self._choice.is_ready:
            self._stop()
            return None, ""
        if drug is None:
            return None, "choose one of the student's drugs"
        controls_MD = self._control_tiles() if mode == "controls" else None
        if mode == "controls" and controls_MD is None:
            return None, self._no_controls()
        key, scores = self._key(), self._known()
        if key is not None and key in self._failed:
            return None, self._failed[key]
        if scores is None or (mode == "dense" and scores.patches is None):
            self._request()
            # work that was done at once has refreshed already
            return (None, "looking at this field…") if self.is_busy else (self._map, self._text)
        if controls_MD is not None:
            return scores.controls_map(scorer, drug, controls_MD), ""
        if mode == "dense":
            return scores.patch_map(scorer, drug), ""
        return scores.tile_map(scorer, drug), ""

    def _key(self) -> Key | None:
        screen, place, bundle = self._session.screen, self._session.place, self._choice.bundle
        if screen is None or place is None or bundle is None:
            return None
        return screen.source, bundle.id, place

    def _known(self) -> FieldScores | None:
        """Give what is known of the field on show: kept from a look, else from a run."""
        key = self._key()
        if key is None:
            return None
        if key in self._fields:
            self._fields.move_to_end(key)
            return self._fields[key]
        return self._from_run()

    def _from_run(self) -> FieldScores | None:
        from napari_tide.inference.screen_fields import tile_side_px
        from napari_tide.viewmodels.field_scores import FieldScores

        screen, bundle = self._session.screen, self._choice.bundle
        outcome = self._plate_run.results.sites.get(self._row())
        if screen is None or bundle is None or outcome is None or outcome.error:
            return None
        config = bundle.config
        image_px = config.student.encoder.image_px
        side_px = tile_side_px(screen, config)
        grid = TileGrid(outcome.field_shape, side_px, output_px=image_px)
        return (
            FieldScores(grid, outcome.tiles)
            if grid.n_tiles == len(outcome.tiles.log_totals)
            else None
        )

    def _row(self) -> int:
        screen, place = self._session.screen, self._session.place
        assert screen is not None
        assert place is not None
        return screen.row_of(place.plate, place.well, place.site)

    def _request(self) -> None:
        """Look at the field on show; a look at another one under way gives up between batches."""
        key = self._key()
        if key is None or key == self._wanted:
            return
        self._stop()
        token = self._token = CancelToken()
        self._wanted = key
        row = self._row()

        def done(scores: FieldScores | None) -> None:
            if token() or self._wanted != key:
                return
            self._wanted = None
            if scores is not None:
                self._keep(key, scores)
            self._refresh()

        def failed(sentence: str) -> None:
            if not token() and self._wanted == key:
                self._wanted = None
                self._failed[key] = sentence
                self._refresh()

        self._background.start(
            lambda: self._work(row, token),
            on_step=ignore_step,
            on_done=done,
            on_failed=failed,
            token=token,
        )

    def _work(self, row: int, token: CancelToken) -> Steps[None, FieldScores | None]:
        from napari_tide.viewmodels.field_scores import FieldScores

        yield  # a place to stop, when another field was clicked meanwhile
        if token():
            return None
        engine = self._choice.engine()
        field = engine.embed_field(row, is_cancelled=token)
        return None if field is None else FieldScores.of(field, engine.scorer)

    def _keep(self, key: Key, scores: FieldScores) -> None:
        self._fields[key] = scores
        while len(self._fields) > _MOST_FIELDS:
            self._fields.popitem(last=False)

    def _stop(self) -> None:
        self._token.cancel()
        self._wanted = None

    def _control_tiles(self) -> FieldMap | None:
        """Stack the tiles of the plate's negative controls, without those of the field on show."""
        negcon, here = self._negative_controls(), self._row()
        sites = self._plate_run.results.sites
        tiles = [sites[row].tiles.directions for row in negcon if row in sites and row != here]
        together = np.concatenate(tiles) if tiles else np.zeros((0, 1), np.float32)
        return together if len(together) else None

    def _negative_controls(self) -> list[int]:
        screen, place = self._session.screen, self._session.place
        assert screen is not None
        assert place is not None
        sites = screen.sites
        here = (sites["plate"] == place.plate) & (sites["control"] == "negcon")
        return [int(row) for row in np.flatnonzero(here.to_numpy())]

    def _no_controls(self) -> str:
        if not self._negative_controls():
            return "no well of this plate is marked as negative control; say so with Plate map…"
        return "the plate's DMSO wells were not run yet; click Run: Plate"
