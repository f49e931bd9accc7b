"""The folder of a pack: refusing one that is taken, and putting the last files in place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from napari_tide.chem.rdkit_presence import has_rdkit
from napari_tide.errors import OutputExistsError, OutputWriteError, ScreenValueError
from napari_tide.inference.profile_screen import SkippedSite
from napari_tide.profiles.metadata_columns import metadata_to_arrow
from napari_tide.profiles.site_metadata import metadata_of_sites, with_annotations
from napari_tide.screens.screen import Screen
from tide_train.data.pack_config import PackConfig
from tide_train.data.stored_fingerprints import MOLECULES, StoredFingerprints
from tide_train.data.tile_pack import CONFIG, JOURNAL, METADATA
from tide_train.data.tile_shards import ShardLayout, ShardWriter

Facts = dict[str, Any]  # a site's JSON in the journal: rows, columns, flags, sha256; or its error

SKIPPED = "skipped.csv"
_SKIPPED_COLUMNS = ("plate", "well", "site", "reason")
_OWN_FILES = (CONFIG, METADATA, MOLECULES, SKIPPED, JOURNAL, JOURNAL + ".lock")


@dataclass(frozen=True, slots=True, eq=False)
class PackedSites:
    """What is known of the sites packed so far, the first ones of the screen."""

    screen: Screen
    facts: list[Facts]

    @property
    def n_tiles(self) -> int:
        """Count their tiles."""
        return sum(facts["rows"] * facts["columns"] for _, facts in self._readable())

    @property
    def is_complete(self) -> bool:
        """Tell whether every site was tried."""
        return len(self.facts) == self.screen.n_sites

    @property
    def skipped(self) -> tuple[SkippedSite, ...]:
        """The sites that could not be read."""
        found = []
        for row, facts in enumerate(self.facts):
            if "error" in facts:
                site = self.screen.site_at(row)
                found.append(SkippedSite(site.plate, site.well.name, site.number, facts["error"]))
        return tuple(found)

    @property
    def hashes(self) -> list[str]:
        """Give the hash of every readable site's tiles."""
        return [facts["sha256"] for _, facts in self._readable()]

    def metadata(self) -> pd.DataFrame:
        """Give one row per tile."""
        readable = list(self._readable())
        shapes = [(facts["rows"], facts["columns"]) for _, facts in readable]
        n_each = [rows * columns for rows, columns in shapes]
        places = np.concatenate([np.indices(shape).reshape(2, -1) for shape in shapes], axis=1)
        sites = self.screen.sites.iloc[np.repeat([row for row, _ in readable], n_each)]
        extra = {"Metadata_Tile_Row": places[0], "Metadata_Tile_Col": places[1]}
        metadata = metadata_of_sites(sites, extra)
        metadata = with_annotations(metadata, sites, screen=sites)
        flags = np.array(["|".join(facts["flags"]) for _, facts in readable], dtype=object)
        metadata["Metadata_QC"] = np.repeat(flags, n_each)
        return metadata

    def _readable(self) -> Iterator[tuple[int, Facts]]:
        return ((row, facts) for row, facts in enumerate(self.facts) if "error" not in facts)


def prepare_folder(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is taken; drop a finished pack where it may be overwritten.

    Raises
    ------
    OutputExistsError
        It holds a finished pack, or files that are none of a pack's.
    OutputWriteError
        It cannot be a folder.
    """
    inside = _listing(out)
    foreign = [name for name in inside if not _is_own(name)]
    if foreign:
        message = f"{out} holds other files ({foreign[0]}); choose a new or empty folder"
        raise OutputExistsError(message)
    if CONFIG not in inside:
        return
    if not overwrite:
        message = f"{out} is packed already; choose another name, or replace it: --overwrite"
        raise OutputExistsError(message)
    # pack.json first: from here on it is no pack, whatever happens
    for name in [CONFIG, *(name for name in inside if name != CONFIG)]:
        (out / name).unlink()


def _listing(out: Path) -> list[str]:
    try:
        return sorted(path.name for path in out.iterdir()) if out.exists() else []
    except OSError as error:
        message = f"{out} cannot be a pack's folder ({error.strerror}); choose another --out"
        raise OutputWriteError(message) from error


def require_tiles(layout: ShardLayout, n_tiles: int) -> None:
    """Refuse to go on where the journal knows more tiles than there are."""
    for path, n_bytes in layout.sizes(n_tiles):
        if not path.is_file() or path.stat().st_size < n_bytes:
            message = (
                f"{path} has lost tiles that were packed; delete {layout.folder} and pack again"
            )
            raise OutputExistsError(message)


def require_readable_site(sites: PackedSites) -> None:
    """Refuse a pack without a tile."""
    if not sites.n_tiles:
        first = sites.facts[0]["error"]
        message = f"no site could be read, so there is nothing to pack; the first says: {first}"
        raise ScreenValueError(message)


def finish_pack(sites: PackedSites, writer: ShardWriter, facts: dict[str, object]) -> None:
    """Write what stands beside the tiles, ``pack.json`` last.

    Raises
    ------
    OutputWriteError
        The disk is full; running again goes on here.
    """
    out = writer.layout.folder
    writer.finish()
    metadata = sites.metadata()
    stated = {**facts, "n_sites": sites.screen.n_sites, "n_tiles": sites.n_tiles}
    hashed = json.dumps([stated, sites.hashes, metadata.to_csv(index=False, lineterminator="\n")])
    config = PackConfig.model_validate(
        {
            **stated,
            "n_skipped": len(sites.skipped),
            "data_hash": hashlib.sha256(hashed.encode()).hexdigest(),
        }
    )
    rows = [(site.plate, site.well, site.site, site.reason) for site in sites.skipped]
    skipped = pd.DataFrame(rows, columns=list(_SKIPPED_COLUMNS))
    try:
        _put(out / METADATA, lambda path: pq.write_table(metadata_to_arrow(metadata), path))
        _put_molecules(out / MOLECULES, metadata)
        if rows:
            _put(out / SKIPPED, lambda path: skipped.to_csv(path, index=False))
        text = config.model_dump_json(indent=1) + "\n"
        _put(out / CONFIG, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        message = (
            f"cannot finish {out} ({error}); free some space and run the same command again, it "
            "goes on where it stopped"
        )
        raise OutputWriteError(message) from error


def _put_molecules(path: Path, metadata: pd.DataFrame) -> None:
    """Describe structures now, for a machine that trains without RDKit."""
    if not has_rdkit():
        return
    described = StoredFingerprints.of_metadata(metadata)
    if described.names:
        _put(path, described.write)


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _is_own(name: str) -> bool:
    return name.removesuffix(".partial") in _OWN_FILES or (
        name.startswith("tiles-") and name.endswith(".npy")
    )
