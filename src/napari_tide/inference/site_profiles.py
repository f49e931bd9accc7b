"""From the journal's records to profiles with the screen's metadata, in the screen's order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.errors import ScreenValueError
from napari_tide.inference.journal import Journal
from napari_tide.inference.plan import ProfilePlan
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.foreign_tables import standard_metadata
from napari_tide.profiles.profiles import Level, Profiles, concatenate, embedding_names
from napari_tide.profiles.store import ProfileWriter, write_profiles
from napari_tide.screens.screen import Screen

_FROM_SITES = {
    "Metadata_Plate": "plate",
    "Metadata_Well": "well",
    "Metadata_Site": "site",
    "Metadata_Batch": "batch",
    "Metadata_Cell_Line": "cell_line",
    "Metadata_Perturbation_Type": "perturbation_type",
    "Metadata_Compound": "compound",
    "Metadata_SMILES": "smiles",
    "Metadata_Dose_uM": "dose_um",
    "Metadata_Gene": "gene",
    "Metadata_Control": "control",
}


class RecordReader:
    """Reads finished chunks in the screen's order, whatever order they were written in."""

    def __init__(self, screen: Screen, plan: ProfilePlan, journal: Journal) -> None:
        self._screen, self._plan, self._journal = screen, plan, journal

    def tiles(self, *, student: str) -> Iterator[Profiles]:
        """Give the tile profiles, one chunk at a time; chunks without a readable site are none."""
        for chunk in self._plan.chunks:
            record = self._journal.read(chunk.number)
            sites = record.facts["sites"]
            assert isinstance(sites, list)
            rows, tile_rows, tile_columns, flags = [], [], [], []
            for row, facts in enumerate(sites, start=chunk.start):
                n_tiles = 0 if "error" in facts else facts["rows"] * facts["columns"]
                rows += [row] * n_tiles
                tile_rows += [tile // facts["columns"] for tile in range(n_tiles)]
                tile_columns += [tile % facts["columns"] for tile in range(n_tiles)]
                flags += ["|".join(facts.get("flags", []))] * n_tiles
            if rows:
                metadata = self._metadata(rows, tile_rows, tile_columns)
                metadata["Metadata_QC"] = flags
                width = record.embeddings_ND.shape[1]
                yield Profiles(
                    metadata, record.embeddings_ND, embedding_names(width), "tile", student
                )

    def skipped(self) -> Iterator[tuple[str, str, int, str]]:
        """Give plate, well, site and reason of the sites that could not be read, so far."""
        for chunk in self._plan.chunks:
            if chunk.number not in self._journal.finished:
                continue
            sites = self._journal.read(chunk.number).facts["sites"]
            assert isinstance(sites, list)
            for row, facts in enumerate(sites, start=chunk.start):
                if "error" in facts:
                    site = self._screen.site_at(row)
                    yield site.plate, site.well.name, site.number, facts["error"]

    def _metadata(
        self, rows: list[int], tile_rows: list[int], tile_columns: list[int]
    ) -> pd.DataFrame:
        sites = self._screen.sites.iloc[rows]
        columns: dict[str, object] = {
            ours: sites[theirs].to_numpy() for ours, theirs in _FROM_SITES.items()
        }
        columns["Metadata_Tile_Row"] = np.array(tile_rows)
        columns["Metadata_Tile_Col"] = np.array(tile_columns)
        return standard_metadata(columns, len(rows))


def write_level(reader: RecordReader, out: Path, *, level: Level, student: str) -> None:
    """Write the profiles at a level; only tiles are written as they come.

    Raises
    ------
    ScreenValueError
        No site of the screen could be read.
    """
    if level == "tile":
        n_written = 0
        with ProfileWriter(out) as writer:
            for part in reader.tiles(student=student):
                writer.write(part)
                n_written += len(part)
        if n_written:
            return
    else:
        sites = [_as_sites(part) for part in reader.tiles(student=student)]
        if sites:
            write_profiles(aggregate_to_level(concatenate(sites), level), out)
            return
    message = f"no site could be read, so there are no profiles to write to {out.name}"
    raise ScreenValueError(message)


def _as_sites(tiles: Profiles) -> Profiles:
    places = ["Metadata_Tile_Row", "Metadata_Tile_Col"]
    without = Profiles(
        tiles.metadata.drop(columns=places),
        tiles.features,
        tiles.feature_names,
        "tile",
        tiles.student,
    )
    return aggregate_to_level(without, "site")
