"""What a probe of a training trains on: the data themselves, or a few fields of a screen.

A screen would be packed first, which takes long. Here only some of its fields are, and every tile
of the whole screen then shows one of those: the rows, drugs and pairs are the true ones.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_tide.errors import TrainValueError
from tide_train.data.tile_pack import TilePack, open_pack
from tide_train.data.tile_shards import Rows, StoredTiles
from tide_train.data.training_data import TrainingTable, is_trainable
from tide_train.events import silent
from tide_train.opened_data import open_data, pack_settings
from tide_train.run_config import RunConfig

if TYPE_CHECKING:
    from napari_tide.screens.screen import Screen

_FIELDS = 4
_FIELDS_OF_RANGES = 48  # so many are looked at for the intensities of a whole screen


@dataclass(frozen=True, slots=True, eq=False)
class StandInPack(TilePack):
    """All rows of a screen's pack, of which only some tiles were cut; the others repeat those."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.metadata)

    def read(self, rows: Rows, *, out: StoredTiles | None = None) -> StoredTiles:
        """Read tiles; rows that were not cut give others."""
        return TilePack.read(self, np.asarray(rows, np.int64) % self.config.n_tiles, out=out)


@dataclass(frozen=True, slots=True, eq=False)
class ProbeData:
    """Data to probe with, how long packing all of them would take, and how long it took here."""

    data: TilePack | TrainingTable
    packing_s: float = 0.0
    spent_s: float = 0.0


def probe_data(path: Path, folder: Path, config: RunConfig, *, allow_outside: bool) -> ProbeData:
    """Open data for a probe; what has to be written goes into `folder`.

    Raises
    ------
    TideError
        There is nothing to train on, or the recipe cannot read it.
    """
    if is_trainable(path):
        return ProbeData(
            open_data(path, folder, config, announce=silent, should_stop=lambda: False)
        )
    if config.encoder.kind == "features":
        message = f"{path} holds images and {config.name} reads tables of profiles; give profiles"
        raise TrainValueError(message)
    # only here, since a machine that trains on a pack need not read any image format
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.screens.readers.reader import ReadOptions
    from tide_train.data.write_pack import write_pack

    screen = open_screen(path, options=ReadOptions(allow_outside=allow_outside))
    settings = pack_settings(config)
    if settings.channels is not None:
        screen = screen.select(settings.channels)
    some = _some_sites(screen)
    times = [time.perf_counter()]

    def note(_done: int, _total: int) -> None:
        times.append(time.perf_counter())

    write_pack(some, folder, settings=settings, progress=note)
    pack = open_pack(folder)
    looking_s = (times[1] - times[0]) / some.n_sites * min(screen.n_sites, _FIELDS_OF_RANGES)
    packing_s = (times[-1] - times[1]) / some.n_sites * screen.n_sites
    stand_in = StandInPack(pack.folder, pack.config, _all_rows(screen, pack.metadata))
    return ProbeData(stand_in, looking_s + packing_s, time.perf_counter() - times[0])


def _some_sites(screen: Screen) -> Screen:
    step = max(screen.n_sites // _FIELDS, 1)
    return screen.with_sites(screen.sites.iloc[::step].head(_FIELDS).reset_index(drop=True))


def _all_rows(screen: Screen, cut: pd.DataFrame) -> pd.DataFrame:
    """Give the metadata of a whole screen's tiles, as many a field as were cut from some."""
    from tide_train.data.pack_files import PackedSites

    places = cut[["Metadata_Tile_Row", "Metadata_Tile_Col"]].max()
    rows, columns = (int(last) + 1 for last in places)
    facts = [{"rows": rows, "columns": columns, "flags": []} for _ in range(screen.n_sites)]
    return PackedSites(screen, facts).metadata()
