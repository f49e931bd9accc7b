"""Embeddings of a plate's sites, kept site by site beside the screen and found again next time.

A file holds one plate through one student. Its name carries a fingerprint of the plate's files, so
a plate whose images changed starts a file of its own and nothing is mistaken for something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from napari_tide.errors import OutputExistsError
from napari_tide.inference.journal import ChunkRecord, Journal, read_records
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import path_column

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SHOWN_DIGITS = 10


@dataclass(frozen=True, slots=True, eq=False)
class SiteEmbedding:
    """What came of one site.

    Parameters
    ----------
    row
        Of the screen's table.
    embeddings_ND
        One per tile, row by row of the grid; none where the site could not be read.
    grid
        Rows and columns of tiles.
    field_shape
        Height and width of the field in pixels.
    flags
        Names of the quality flags that are up.
    error
        Why it could not be read; empty where it could.
    """

    row: int
    embeddings_ND: npt.NDArray[np.float32]
    grid: tuple[int, int]
    field_shape: tuple[int, int]
    flags: tuple[str, ...]
    error: str = ""

    @classmethod
    def of(cls, record: ChunkRecord, row: int) -> SiteEmbedding:
        """Read a record of one site."""
        sites = record.facts["sites"]
        assert isinstance(sites, list)
        facts: Mapping[str, object] = sites[0]
        if "error" in facts:
            return cls(row, record.embeddings_ND, (0, 0), (0, 0), (), str(facts["error"]))
        shape, flags = facts["shape"], facts["flags"]
        assert isinstance(shape, list)
        assert isinstance(flags, list)
        n_rows, n_columns = facts["rows"], facts["columns"]
        assert isinstance(n_rows, int)
        assert isinstance(n_columns, int)
        return cls(
            row,
            record.embeddings_ND,
            (n_rows, n_columns),
            (int(shape[0]), int(shape[1])),
            tuple(map(str, flags)),
        )


class SiteStore:
    """The file of one plate and one student; written by one process at a time, read by any."""

    def __init__(self, path: Path, rows: tuple[int, ...]) -> None:
        self.path = path
        self._rows = rows
        self._number = {row: number for number, row in enumerate(rows)}
        self._journal: Journal | None = None

    @classmethod
    def of(cls, folder: Path, screen: Screen, *, plate: str, student: str) -> SiteStore:
        """Give the store of a plate in a folder of results; nothing is read or written yet."""
        here = screen.sites["plate"] == plate
        sites = screen.sites[here]
        columns = [path_column(name) for name in screen.channel_names]
        paths = sites[["well", "site", *columns]].astype(str).to_numpy().tolist()
        said = json.dumps([screen.channel_names, paths])
        digits = hashlib.sha256(said.encode()).hexdigest()[:_SHOWN_DIGITS]
        name = f"{_UNSAFE.sub('_', plate)[:60]}-{digits}.sites"
        rows = tuple(int(row) for row in np.flatnonzero(here.to_numpy()))
        return cls(folder / _UNSAFE.sub("_", student) / name, rows)

    @property
    def wells_path(self) -> Path:
        """Where the plate's well profiles go, as Parquet."""
        return self.path.with_suffix(".wells.parquet")

    def read(self) -> Iterator[SiteEmbedding]:
        """Give every site that was finished, the newest last where one was run twice."""
        for record in read_records(self.path):
            if record.chunk < len(self._rows):
                yield SiteEmbedding.of(record, self._rows[record.chunk])

    def __enter__(self) -> Self:
        """Take the file for writing.

        Raises
        ------
        OutputExistsError
            The plate is being run elsewhere.
        OutputWriteError
            The folder cannot be written.
        """
        journal = Journal(self.path)
        try:
            journal.__enter__()
        except OutputExistsError as error:
            message = (
                "this plate is being run with the same student in another window; wait for that "
                "run or cancel it there"
            )
            raise OutputExistsError(message) from error
        if journal.plan is None:
            journal.begin({"rows": len(self._rows)})
        self._journal = journal
        return self

    def append(self, record: ChunkRecord) -> SiteEmbedding:
        """Write a finished site, whose number is its row; it is on disk when this returns."""
        assert self._journal is not None
        number = self._number[record.chunk]
        self._journal.append(ChunkRecord(number, record.facts, record.embeddings_ND))
        return SiteEmbedding.of(record, record.chunk)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file and give it free."""
        if self._journal is not None:
            self._journal.__exit__(kind, error, trace)
            self._journal = None
