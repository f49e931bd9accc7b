"""What a screen table says about the whole screen, as JSON in or beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.plate_format import STANDARD_FORMATS, PlateFormat
from napari_tide.screens.screen import Screen

FORMAT_VERSION = 1


class ScreenHeader(BaseModel):
    """What a screen table says about the whole screen."""

    model_config = ConfigDict(extra="forbid")

    format_version: Literal[1] = 1
    channels: list[tuple[str, str]]
    pixel_size_um: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    plate_wells: int | None = None
    plate_grid: tuple[PositiveInt, PositiveInt] | None = None
    source: str = ""
    source_format: str = ""

    @field_validator("plate_wells")
    @classmethod
    def _is_plate(cls, n_wells: int | None) -> int | None:
        if n_wells is not None:
            PlateFormat.of(n_wells)  # its error is a ValueError, so pydantic tells the file's name
        return n_wells

    @classmethod
    def of(cls, screen: Screen) -> ScreenHeader:
        """Describe a screen; only a grid no manufacturer sells is written out in full."""
        grid = screen.plate_format
        assert grid is not None
        is_standard = grid in STANDARD_FORMATS
        return cls(
            channels=[(channel.name, channel.label) for channel in screen.channels],
            pixel_size_um=screen.pixel_size_um,
            plate_wells=grid.n_wells if is_standard else None,
            plate_grid=None if is_standard else (grid.rows, grid.columns),
            source=screen.source,
            source_format=screen.format,
        )

    def plate_format(self) -> PlateFormat | None:
        """Give the plates' grid, where the header says it."""
        if self.plate_grid is not None:
            return PlateFormat(*self.plate_grid)
        return None if self.plate_wells is None else PlateFormat.of(self.plate_wells)


def read_header(text: bytes, path: Path) -> ScreenHeader:
    """Check what the file at `path` says about the whole screen.

    Raises
    ------
    ScreenFormatError
        It is damaged, or was written by a newer version.
    """
    version = _version_in(text)
    if version is not None and version > FORMAT_VERSION:
        message = (
            f"{path} was written by a newer napari-tide (format {version}, this one reads "
            f"{FORMAT_VERSION}); update napari-tide"
        )
        raise ScreenFormatError(message)
    try:
        return ScreenHeader.model_validate_json(text)
    except ValidationError as error:
        message = f"{path} has a damaged screen header ({error.errors()[0]['msg']}); make it again"
        raise ScreenFormatError(message) from error


def _version_in(text: bytes) -> int | None:
    try:
        version = json.loads(text).get("format_version")
    except (ValueError, AttributeError):
        return None
    return version if isinstance(version, int) else None
