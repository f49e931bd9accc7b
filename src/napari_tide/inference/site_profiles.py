"""From the journal's records to profiles with the screen's metadata, in the screen's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ScreenValueError
from napari_tide.inference.journal import Journal
from napari_tide.inference.plan import ProfilePlan
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.anndata_export import write_anndata
from napari_tide.profiles.profiles import Level, Profiles, concatenate, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites, with_annotations
from napari_tide.profiles.store import ROWS_PER_GROUP, ProfileWriter, write_profiles
from napari_tide.screens.screen import Screen

Facts = Mapping[str, Any]  # a site's part of a journal record: JSON, whose shape `_places` knows

_TILE_PLACES = ("Metadata_Tile_Row", "Metadata_Tile_Col")


class RecordReader:
    """Reads finished chunks in the screen's order, whatever order they were written in."""

    def __init__(self, screen: Screen, plan: ProfilePlan, journal: Journal) -> None:
        self._screen, self._plan, self._journal = screen, plan, journal

    def parts(self, *, student: str) -> Iterator[Profiles]:
        """Give tile or cell profiles, a chunk at a time; chunks without a readable site are none.

        A part that holds no tile position (cells) says where each cell lies instead.
        """
        for chunk in self._plan.chunks:
            record = self._journal.read(chunk.number)
            sites = record.facts["sites"]
            assert isinstance(sites, list)
            readable = [
                (row, facts)
                for row, facts in enumerate(sites, start=chunk.start)
                if "error" not in facts
            ]
            if readable:
                names = embedding_names(record.embeddings_ND.shape[1])
                level: Level = "tile" if self._plan.cells is None else "cell"
                metadata = self._metadata(readable)
                yield Profiles(metadata, record.embeddings_ND, names, level, student)

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

    def _metadata(self, readable: Sequence[tuple[int, Facts]]) -> pd.DataFrame:
        places = [_places(facts) for _, facts in readable]
        n_each = [len(next(iter(place.values()))) for place in places]
        sites = self._screen.sites.iloc[np.repeat([row for row, _ in readable], n_each)]
        found = {name: np.concatenate([place[name] for place in places]) for name in places[0]}
        metadata = metadata_of_sites(sites, found)
        if self._plan.cells is not None:
            metadata = metadata.drop(columns=list(_TILE_PLACES)).assign(**found)
        metadata = with_annotations(metadata, sites, screen=self._screen.sites)
        flags = ["|".join(facts["flags"]) for _, facts in readable]
        metadata["Metadata_QC"] = np.repeat(np.array(flags, dtype=object), n_each)
        return metadata


def _places(facts: Facts) -> dict[str, npt.NDArray[np.generic]]:
    if "labels" in facts:
        centres_yx = np.array(facts["centres"], np.float64).reshape(-1, 2)
        return {
            "Metadata_Cell_Label": np.array(facts["labels"], np.int64),
            "Metadata_Cell_Y_px": centres_yx[:, 0],
            "Metadata_Cell_X_px": centres_yx[:, 1],
        }
    rows, columns = np.divmod(np.arange(facts["rows"] * facts["columns"]), facts["columns"])
    return dict(zip(_TILE_PLACES, (rows, columns), strict=True))


def write_level(reader: RecordReader, out: Path, *, level: Level, student: str) -> None:
    """Write the profiles at a level; to Parquet, tiles and cells go a row group at a time.

    Raises
    ------
    ScreenValueError
        No site of the screen could be read.
    """
    if out.suffix == ".h5ad":
        is_written = _write_whole(reader, out, write_anndata, level=level, student=student)
    elif level in ("tile", "cell"):
        is_written = _write_in_parts(reader, out, student=student)
    else:
        is_written = _write_whole(reader, out, write_profiles, level=level, student=student)
    if not is_written:
        message = f"no site could be read, so there are no profiles to write to {out.name}"
        raise ScreenValueError(message)


def _write_in_parts(reader: RecordReader, out: Path, *, student: str) -> bool:
    n_written = 0
    with ProfileWriter(out) as writer:
        for group in _row_groups(reader.parts(student=student)):
            writer.write(group)
            n_written += len(group)
    return n_written > 0


def _row_groups(parts: Iterable[Profiles]) -> Iterator[Profiles]:
    """Put chunks together until they fill a row group, so that the file reads fast."""
    waiting: list[Profiles] = []
    n_waiting = 0
    for part in parts:
        if waiting and n_waiting + len(part) > ROWS_PER_GROUP:
            yield concatenate(waiting)
            waiting, n_waiting = [], 0
        waiting.append(part)
        n_waiting += len(part)
    if waiting:
        yield concatenate(waiting)


def _write_whole(
    reader: RecordReader,
    out: Path,
    write: Callable[[Profiles, Path], None],
    *,
    level: Level,
    student: str,
) -> bool:
    parts = reader.parts(student=student)
    tables = list(parts) if level in ("tile", "cell") else [_as_sites(part) for part in parts]
    if not tables:
        return False
    table = concatenate(tables)
    write(table if level == table.level else aggregate_to_level(table, level), out)
    return True


def _as_sites(tiles: Profiles) -> Profiles:
    without = replace(tiles, metadata=tiles.metadata.drop(columns=list(_TILE_PLACES)))
    return aggregate_to_level(without, "site")
