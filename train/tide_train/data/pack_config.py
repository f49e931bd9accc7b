"""What a pack's ``pack.json`` says; read from disk, so checked field by field."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_tide.imaging.tile_grid import EdgePolicy

FORMAT_VERSION = 1

StoredType = Literal["uint8", "uint16"]


class PackConfig(BaseModel):
    """How the tiles of a pack were cut, and how many there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    screen: str = Field(description="Name of the screen's file or folder")
    channels: tuple[str, ...] = Field(min_length=1, description="Stains, in the tiles' order")
    dtype: StoredType = "uint8"
    tile_px: int = Field(ge=1, description="Side of a tile in the field, in pixels")
    stride_px: int | None = Field(default=None, ge=1)
    edge: EdgePolicy = "shift"
    image_px: int = Field(ge=1, description="Side of a tile as stored")
    intensity: dict[str, tuple[float, float]] = Field(description="Grey values that became 0 and 1")
    intensity_percentiles: tuple[float, float]
    pixel_size_um: float | None = Field(default=None, gt=0)
    n_sites: int = Field(ge=1)
    n_skipped: int = Field(ge=0)
    n_tiles: int = Field(ge=1)
    tiles_per_shard: int = Field(ge=1)
    data_hash: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of tiles and metadata")
