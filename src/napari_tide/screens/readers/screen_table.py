"""napari-tide's own screen table: Parquet or CSV with a row per site.

What the table says about the whole screen (channel order, pixel size, plate format, source) travels
in the Parquet file's metadata, or for CSV in ``NAME.csv.json`` beside it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from napari_tide.errors import OutputWriteError, ScreenFormatError
from napari_tide.screens.channels import Channel
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.rebased_sites import rebased_sites
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY, TEXT_COLUMNS

FORMAT_VERSION = 1
_METADATA_KEY = b"napari_tide_screen"


class ScreenHeader(BaseModel):
    """What a screen table says about the whole screen."""

    model_config = ConfigDict(extra="forbid")

    format_version: Literal[1] = 1
    channels: list[tuple[str, str]]
    pixel_size_um: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    plate_wells: int | None = None
    source: str = ""
    source_format: str = ""

    @field_validator("plate_wells")
    @classmethod
    def _is_plate(cls, n_wells: int | None) -> int | None:
        if n_wells is not None:
            PlateFormat.of(n_wells)  # its error is a ValueError, so pydantic tells the file's name
        return n_wells


def save_screen(screen: Screen, path: Path) -> None:
    """Write the table, whole or not at all; paths are kept relative to the table's new place.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    table = rebased_sites(screen, path.parent)
    assert screen.plate_format is not None
    header = ScreenHeader(
        channels=[(channel.name, channel.label) for channel in screen.channels],
        pixel_size_um=screen.pixel_size_um,
        plate_wells=screen.plate_format.n_wells,
        source=screen.source,
        source_format=screen.format,
    ).model_dump_json()
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            _write_parquet(table, header, partial)
        else:
            table.to_csv(partial, index=False)
            path.with_name(path.name + ".json").write_text(header, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        message = f"cannot write {path}: {error.strerror or error}; choose another --out"
        raise OutputWriteError(message) from error


def claims(source: Path) -> bool:
    """Tell whether the file (or the folder's ``screen.parquet``) is a screen table."""
    table = _table_of(source)
    if table is None:
        return False
    if table.suffix == ".parquet":
        try:
            return _METADATA_KEY in (pq.read_schema(table).metadata or {})
        except (OSError, pa.ArrowException, UnicodeDecodeError):
            return source == table
    return _has_site_columns(table)


def read(source: Path, options: ReadOptions) -> Screen:
    """Read a screen table."""
    path = _table_of(source)
    if path is None:
        message = f"{source} holds no screen.parquet or screen.csv"
        raise ScreenFormatError(message)
    try:
        table, header = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, pa.ArrowException, UnicodeDecodeError, pd.errors.ParserError) as error:
        message = (
            f"{path} cannot be read as a screen table ({error}); make it again with tide inspect"
        )
        raise ScreenFormatError(message) from error
    channels = tuple(Channel(name, label) for name, label in header.channels)
    return Screen(
        sites=table,
        channels=channels,
        root=options.images or path.parent,
        format="screen_table",
        source=str(path),
        pixel_size_um=header.pixel_size_um,
        plate_format=PlateFormat.of(header.plate_wells) if header.plate_wells is not None else None,
        allow_outside=options.allow_outside,
    )


def _table_of(source: Path) -> Path | None:
    if source.is_dir():
        inside = (source / "screen.parquet", source / "screen.csv")
        return next((table for table in inside if table.is_file()), None)
    return source if source.suffix in (".parquet", ".csv") and source.is_file() else None


def _has_site_columns(table: Path) -> bool:
    try:
        columns = list(pd.read_csv(table, nrows=0).columns)
    except (OSError, ValueError):
        return False
    return {*KEY} <= {*columns} and any(name.startswith("path_") for name in columns)


def _read_parquet(path: Path) -> tuple[pd.DataFrame, ScreenHeader]:
    with pq.ParquetFile(path) as file:
        table = file.read()
    text = (table.schema.metadata or {}).get(_METADATA_KEY)
    if text is None:
        message = (
            f"{path} is a Parquet file but not a screen table; make one with tide inspect --out"
        )
        raise ScreenFormatError(message)
    # what pandas noted about types in the file is not needed, and can be damaged
    return table.replace_schema_metadata(None).to_pandas(), _header(text, path)


def _read_csv(path: Path) -> tuple[pd.DataFrame, ScreenHeader]:
    columns = list(pd.read_csv(path, nrows=0).columns)
    text_columns = [name for name in columns if name in TEXT_COLUMNS or name.startswith("path_")]
    table = pd.read_csv(path, dtype=dict.fromkeys(text_columns, str), keep_default_na=False)
    sidecar = path.with_name(path.name + ".json")
    if sidecar.is_file():
        return table, _header(sidecar.read_bytes(), path)
    names = [name.removeprefix("path_") for name in columns if name.startswith("path_")]
    return table, ScreenHeader(channels=[(name, name) for name in names])


def _header(text: bytes, path: Path) -> ScreenHeader:
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


def _write_parquet(table: pd.DataFrame, header: str, path: Path) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), _METADATA_KEY: header.encode()}
    pq.write_table(arrow.replace_schema_metadata(metadata), path)


READER = Reader("screen_table", "napari-tide screen table", claims, read)
