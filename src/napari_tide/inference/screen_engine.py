"""A student made ready for one screen: embeds any of its fields, sites or cells when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.errors import StudentValueError
from napari_tide.imaging.prepared_field import FieldPreparation, prepare_field
from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.inference.cells import CELL_CROP_UM, CellCutting, CellEmbeddings, embed_cells
from napari_tide.inference.drug_scorer import DrugScorer, Floats
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.nuclei import DEFAULT_PIXEL_UM
from napari_tide.inference.plan import Chunk, ProfilePlan, cell_cutting, tiles_per_field
from napari_tide.inference.run_cells import find_cells
from napari_tide.inference.run_chunk import run_chunks
from napari_tide.inference.screen_fields import channels_for, fields_of, preparation_for
from napari_tide.screens.screen import Screen
from napari_tide.students.bundle import Bundle

_SMALLEST_CROP_PX = 16


@dataclass(frozen=True, slots=True, eq=False)
class FieldEmbedding:
    """A field's tiles and patches (tile, patch row, patch column, width), and where they lie."""

    grid: TileGrid
    embeddings_ND: Floats
    patches_NHWD: Floats
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FieldCells:
    """A field's cells: the labels they were found by, and an embedding each."""

    labels: npt.NDArray[np.int32]
    cells: CellEmbeddings


@dataclass(frozen=True, slots=True, eq=False)
class ScreenEngine:
    """A student, in the precision that is fast here, with a screen's channels and intensity."""

    screen: Screen
    bundle: Bundle
    embedder: Embedder
    preparation: FieldPreparation
    scorer: DrugScorer

    @classmethod
    def of(
        cls,
        screen: Screen,
        bundle: Bundle,
        *,
        device: str = "auto",
        embedder: Embedder | None = None,
    ) -> ScreenEngine:
        """Make a student ready; without its `embedder` precisions are measured for a moment.

        Raises
        ------
        StudentValueError
            The student does not fit the screen.
        """
        require_fit(screen, bundle)
        preparation = preparation_for(screen, bundle.config)
        fitted = embedder or Embedder.fitted(bundle.student, device=device)
        return cls(screen, bundle, fitted, preparation, DrugScorer.of(bundle))

    def embed_field(
        self, row: int, *, is_cancelled: Callable[[], bool] = bool
    ) -> FieldEmbedding | None:
        """Embed the tiles and patches of the site in one row of the screen's table.

        Gives nothing when `is_cancelled` turns true between two batches.

        Raises
        ------
        TideError
            The field cannot be read.
        """
        prepared = prepare_field(fields_of(self.screen, [row])[0], self.preparation)
        tiles, patches = [], []
        for start in range(0, prepared.grid.n_tiles, self.embedder.batch_tiles):
            if is_cancelled():
                return None
            batch = prepared.tiles[start : start + self.embedder.batch_tiles]
            embeddings_ND, patches_NHWD = self.embedder.embed_with_patches(
                batch, self.preparation.channels
            )
            tiles.append(embeddings_ND)
            patches.append(patches_NHWD)
        flags = prepared.quality.names
        return FieldEmbedding(prepared.grid, np.concatenate(tiles), np.concatenate(patches), flags)

    def embed_sites(
        self, rows: Sequence[int], *, is_cancelled: Callable[[], bool] = bool
    ) -> Iterator[ChunkRecord]:
        """Embed sites in the order given, a record each, whose number is the row.

        A site that cannot be read says so in its record. Several small fields share a batch, so a
        site's embedding may differ in its last bits with the company it was in.

        Raises
        ------
        ScreenValueError
            None of the sites can be read.
        """
        fields = fields_of(self.screen, rows)
        per_chunk = max(self.embedder.batch_tiles // tiles_per_field(fields, self.preparation), 1)
        chunks = [
            Chunk(number, start, min(start + per_chunk, len(rows)))
            for number, start in enumerate(range(0, len(rows), per_chunk))
        ]
        plan = ProfilePlan(fields, chunks, self.preparation, identity="")
        records = run_chunks(plan, chunks, self.embedder, is_cancelled=is_cancelled)
        with closing(records) as finished:  # type: ignore[type-var]
            for record in finished:
                chunk = chunks[record.chunk]
                yield from _by_site(record, rows[chunk.start : chunk.stop])

    def embed_cells(self, row: int, *, labels: npt.NDArray[np.integer] | None = None) -> FieldCells:
        """Embed a crop around every cell of a site; without `labels` nuclei are looked for.

        Raises
        ------
        TideError
            The field cannot be read, the labels do not cover it, or there is no DNA channel to
            find nuclei in.
        """
        cutting = cell_cutting(self.screen) if labels is None else self._given_cells()
        files = fields_of(self.screen, [row])[0]
        found = find_cells(files, self.preparation, cutting, labels=labels)
        channels = self.preparation.channels
        cells = embed_cells(
            found.field_CHW,
            found.labels,
            self.embedder,
            ranges=self.preparation.ranges.of(channels),
            channels=channels,
            crop_px=cutting.crop_px,
        )
        return FieldCells(found.labels, cells)

    def _given_cells(self) -> CellCutting:
        pixel_size_um = self.screen.pixel_size_um
        crop_px = round(CELL_CROP_UM / (pixel_size_um or DEFAULT_PIXEL_UM))
        return CellCutting("", max(crop_px, _SMALLEST_CROP_PX), pixel_size_um)


def require_fit(screen: Screen, bundle: Bundle) -> None:
    """Refuse a student that cannot look at a screen's images.

    Raises
    ------
    StudentValueError
        It lacks a channel, or reads tables.
    """
    if bundle.config.student.encoder.kind == "features":
        message = (
            f"student {bundle.config.name} reads profile tables, not images; choose a student "
            "trained on images"
        )
        raise StudentValueError(message)
    channels_for(screen, bundle.config)


def _by_site(record: ChunkRecord, rows: Sequence[int]) -> Iterator[ChunkRecord]:
    sites = record.facts["sites"]
    assert isinstance(sites, list)
    first = 0
    for row, facts in zip(rows, sites, strict=True):
        n_tiles = 0 if "error" in facts else facts["rows"] * facts["columns"]
        tiles_ND = record.embeddings_ND[first : first + n_tiles]
        yield ChunkRecord(row, {"sites": [facts]}, tiles_ND)
        first += n_tiles
