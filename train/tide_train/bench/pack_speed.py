"""Random reads from a pack, against sharded zarr.

Training reads tiles in random order, so what counts is how fast single tiles come. The peer is
zarr 3 with a tile a chunk, hundreds a shard and no codec, its fastest setting here.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import zarr

from tide_train.bench.speed_row import SpeedRow, compare_speed
from tide_train.data.pack_config import PackConfig
from tide_train.data.tile_pack import TilePack, layout_of
from tide_train.data.tile_shards import ShardWriter, StoredTiles

GOAL = 1.0
_STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")
_PER_SHARD = 256


def time_pack_reads(
    *, n_tiles: int = 1024, n_reads: int = 64, side_px: int = 224, n_rounds: int = 5
) -> SpeedRow:
    """Time `TilePack.read` and zarr on the same tiles and rows, files in the page cache.

    Parameters
    ----------
    n_tiles
        Tiles of five channels, written once.
    n_reads
        Rows a batch.
    side_px
        Side of a tile.
    """
    with tempfile.TemporaryDirectory() as name:
        pack = _write_pack(Path(name) / "pack", n_tiles, side_px)
        array = _write_zarr(Path(name) / "zarr", pack)
        random = np.random.default_rng(0)

        def rows() -> np.ndarray:
            return random.integers(0, n_tiles, n_reads)

        return compare_speed(
            lambda: pack.read(rows()),
            lambda: np.stack([array[int(row)] for row in rows()]),
            what=f"{n_reads} tiles of 5 x {side_px} x {side_px} in random order",
            peer_name="sharded zarr 3, a tile a chunk, no codec",
            goal=GOAL,
            n_rounds=n_rounds,
        )


def _write_pack(folder: Path, n_tiles: int, side_px: int) -> TilePack:
    folder.mkdir()
    config = PackConfig(
        screen="bench",
        channels=_STAINS,
        tile_px=side_px,
        image_px=side_px,
        intensity=dict.fromkeys(_STAINS, (0.0, 1.0)),
        intensity_percentiles=(0.01, 99.9),
        n_sites=n_tiles,
        n_skipped=0,
        n_tiles=n_tiles,
        tiles_per_shard=_PER_SHARD,
        data_hash="0" * 64,
    )
    with ShardWriter(layout_of(folder, config)) as writer:
        while writer.n_tiles < n_tiles:
            writer.append(_tiles(min(_PER_SHARD, n_tiles - writer.n_tiles), side_px))
        writer.finish()
    return TilePack(folder, config, pd.DataFrame(index=range(n_tiles)))


def _write_zarr(folder: Path, pack: TilePack) -> zarr.Array:
    array = zarr.create_array(
        folder,
        shape=(len(pack), *pack.row_shape),
        chunks=(1, *pack.row_shape),
        shards=(_PER_SHARD, *pack.row_shape),
        dtype=pack.dtype,
        compressors=None,
    )
    for first in range(0, len(pack), _PER_SHARD):
        rows = np.arange(first, min(first + _PER_SHARD, len(pack)))
        array[first : first + len(rows)] = pack.read(rows)
    return array


def _tiles(n_tiles: int, side_px: int) -> StoredTiles:
    shape = (n_tiles, len(_STAINS), side_px, side_px)
    return np.random.default_rng(n_tiles).integers(0, 256, shape, np.uint8)
