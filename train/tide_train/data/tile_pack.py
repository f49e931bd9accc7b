"""A pack: a screen's tiles, prepared once, read by training in any order."""

# N tile, C channel, H and W of a tile

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from napari_tide.errors import PackFormatError, PackMissingError, TrainValueError
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.profiles.metadata_columns import metadata_from_arrow
from tide_train.data.pack_config import FORMAT_VERSION, PackConfig, StoredType
from tide_train.data.tile_shards import (
    Rows,
    ShardLayout,
    StoredTiles,
    read_tiles,
    require_whole_shards,
)

CONFIG = "pack.json"
METADATA = "metadata.parquet"
JOURNAL = "pack.journal"


@dataclass(frozen=True, slots=True, eq=False)
class TilePack:
    """Tiles of a screen on disk, with their metadata.

    Parameters
    ----------
    folder
        Where it lies.
    config
        How the tiles were cut.
    metadata
        One row per tile, in the columns of profiles; also ``Metadata_QC``, and ``Metadata_MoA`` and
        ``Metadata_Targets`` where the screen has them.
    """

    folder: Path
    config: PackConfig
    metadata: pd.DataFrame

    def __len__(self) -> int:
        """Count the tiles."""
        return self.config.n_tiles

    @property
    def channels(self) -> tuple[str, ...]:
        """The stains, in the tiles' order."""
        return self.config.channels

    @property
    def tile_size_px(self) -> int:
        """Side of a tile in the field; a bundle's ``tile_px``."""
        return self.config.tile_px

    @property
    def image_px(self) -> int:
        """Side of a tile as stored; a bundle's ``image_px``."""
        return self.config.image_px

    @property
    def dtype(self) -> StoredType:
        """How pixels are stored."""
        return self.config.dtype

    @property
    def max_value(self) -> int:
        """What a pixel is divided by to lie in [0, 1]."""
        return int(np.iinfo(self.dtype).max)

    @property
    def intensity(self) -> Mapping[str, IntensityRange]:
        """Grey values (after illumination) that became 0 and 1, by stain."""
        return {name: IntensityRange(*limits) for name, limits in self.config.intensity.items()}

    @property
    def intensity_percentiles(self) -> tuple[float, float]:
        """The percentiles of the screen that the grey values stand for."""
        return self.config.intensity_percentiles

    @property
    def pixel_size_um(self) -> float | None:
        """Width of a pixel of the field in micrometres."""
        return self.config.pixel_size_um

    @property
    def screen_name(self) -> str:
        """The file or folder that was packed, without its path."""
        return self.config.screen

    @property
    def data_hash(self) -> str:
        """SHA-256 of tiles, metadata and how they were made."""
        return self.config.data_hash

    @property
    def row_shape(self) -> tuple[int, int, int]:
        """Channel, height and width of a tile."""
        return (len(self.channels), self.image_px, self.image_px)

    def read(self, rows: Rows, *, out: StoredTiles | None = None) -> StoredTiles:
        """Read tiles (tile, channel, height, width) in any order, also repeatedly.

        Parameters
        ----------
        rows
            Rows of `metadata`.
        out
            An array to fill instead of a new one.

        Raises
        ------
        TrainValueError
            A row does not exist.
        PackFormatError
            A shard is missing or cut short.
        """
        wanted = np.asarray(rows, np.int64)
        if len(wanted) and not (wanted.min() >= 0 and wanted.max() < len(self)):
            message = (
                f"no tile {wanted[(wanted < 0) | (wanted >= len(self))][0]} in {self.folder}; "
                f"it has {len(self)}, counted from 0"
            )
            raise TrainValueError(message)
        tiles_NCHW = np.empty((len(wanted), *self.row_shape), self.dtype) if out is None else out
        read_tiles(layout_of(self.folder, self.config), wanted, tiles_NCHW)
        return tiles_NCHW


def open_pack(path: Path) -> TilePack:
    """Open a pack; no pixel is read.

    Raises
    ------
    PackMissingError, PackFormatError
        There is no pack, or it is unfinished, damaged or of another version.
    """
    folder = Path(path)
    if (folder / JOURNAL).exists() and not (folder / CONFIG).exists():
        message = f"{folder} is not finished; run the same tide pack again, it goes on by itself"
        raise PackFormatError(message)
    if not (folder / CONFIG).is_file():
        message = f"{folder} is no pack; make one with tide pack SCREEN --out {folder.name}"
        raise PackMissingError(message)
    config = _read_config(folder / CONFIG)
    metadata = _read_metadata(folder / METADATA)
    if len(metadata) != config.n_tiles:
        message = (
            f"{folder / METADATA} has {len(metadata)} rows for {config.n_tiles} tiles; "
            "pack the screen again"
        )
        raise PackFormatError(message)
    require_whole_shards(layout_of(folder, config), config.n_tiles)
    return TilePack(folder, config, metadata)


def layout_of(folder: Path, config: PackConfig) -> ShardLayout:
    """Give where a pack's tiles lie."""
    shape = (len(config.channels), config.image_px, config.image_px)
    return ShardLayout(folder, shape, np.dtype(config.dtype), config.tiles_per_shard)


def _read_config(path: Path) -> PackConfig:
    try:
        text = path.read_text(encoding="utf-8")
        config = PackConfig.model_validate_json(text)
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read ({_reason(error)}); pack the screen again"
        raise PackFormatError(message) from error
    if config.format_version > FORMAT_VERSION:
        message = (
            f"{path} has format_version {config.format_version}, this napari-tide reads "
            f"{FORMAT_VERSION}; update napari-tide"
        )
        raise PackFormatError(message)
    if set(config.intensity) != set(config.channels):
        message = (
            f"{path} has intensity of {sorted(config.intensity)} for channels "
            f"{sorted(config.channels)}; pack the screen again"
        )
        raise PackFormatError(message)
    return config


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error)


def _read_metadata(path: Path) -> pd.DataFrame:
    try:
        table = pq.read_table(path).combine_chunks()
    except (OSError, pa.ArrowInvalid) as error:
        message = f"{path} cannot be read ({error}); pack the screen again"
        raise PackFormatError(message) from error
    batches = table.to_batches()
    if not batches:
        message = f"{path} has no rows; pack the screen again"
        raise PackFormatError(message)
    return metadata_from_arrow(batches[0])
