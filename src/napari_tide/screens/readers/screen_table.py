"""napari-tide's own screen table: Parquet or CSV with a row per site.

What the table says about the whole screen (channel order, pixel size, plate format, source) travels
in the Parquet file's metadata, or for CSV in ``NAME.csv.json`` beside it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from napari_tide.errors import OutputWriteError, ScreenFormatError
from napari_tide.plane_address import PlaneAddress
from napari_tide.screens.assemble import name_channels
from napari_tide.screens.channels import Channel
from napari_tide.screens.readers.found_files import FoundFiles
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.readers.screen_header import ScreenHeader, read_header
from napari_tide.screens.rebased_sites import rebased_sites
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import (
    KEY,
    TEXT_COLUMNS,
    illumination_column,
    path_column,
)

_METADATA_KEY = b"napari_tide_screen"


def save_screen(screen: Screen, path: Path) -> None:
    """Write the table, whole or not at all; paths are kept relative to the table's new place.

    Raises
    ------
    OutputWriteError
        The file cannot be written.
    """
    table = rebased_sites(screen, path.parent)
    header = ScreenHeader.of(screen).model_dump_json(exclude_none=True)
    partial, partial_header = (path.with_name(f"{path.name}{end}") for end in (".partial", ".head"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            _write_parquet(table, header, partial)
        else:
            table.to_csv(partial, index=False)
            partial_header.write_text(header, encoding="utf-8")
        partial.replace(path)
        if partial_header.exists():
            partial_header.replace(path.with_name(path.name + ".json"))
    except OSError as error:
        with contextlib.suppress(OSError):  # a file where a folder should be cannot be looked into
            partial.unlink(missing_ok=True)
            partial_header.unlink(missing_ok=True)
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
    """Read a screen table.

    Raises
    ------
    ScreenFormatError
        It is no such table, is damaged, or was written by a newer version.
    ScreenValueError
        The user renames a channel that is not there.
    """
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
    sites, channels = _with_names(table, header, options, path)
    root = path.parent
    if options.images is not None:
        sites, root = _with_found_files(sites, path, options)
    return Screen(
        sites=sites,
        channels=channels,
        root=root,
        format="screen_table",
        source=str(path),
        pixel_size_um=header.pixel_size_um,
        plate_format=header.plate_format(),
        allow_outside=options.allow_outside,
    )


def _with_names(
    table: pd.DataFrame, header: ScreenHeader, options: ReadOptions, path: Path
) -> tuple[pd.DataFrame, tuple[Channel, ...]]:
    """Give channels the names the user wants; columns are renamed with them."""
    channels = [Channel(name, label) for name, label in header.channels]
    if not options.channels:
        return table, tuple(channels)
    # a user may say what the table calls a channel, or what its source called it
    name_of = {channel.label.lower(): channel.name for channel in channels}
    name_of |= {channel.name.lower(): channel.name for channel in channels}
    renames = {name_of.get(old.lower(), old): new for old, new in options.channels.items()}
    named = name_channels([channel.name for channel in channels], renames, source=str(path))
    labelled = (Channel(new.name, old.label) for old, new in zip(channels, named, strict=True))
    return _with_channel_columns(table, channels, named), tuple(labelled)


def _with_channel_columns(
    table: pd.DataFrame, old: Sequence[Channel], new: Sequence[Channel]
) -> pd.DataFrame:
    columns = {
        column_of(before.name): column_of(after.name)
        for before, after in zip(old, new, strict=True)
        for column_of in (path_column, illumination_column)
    }
    return table.rename(columns=columns)


def _with_found_files(
    table: pd.DataFrame, path: Path, options: ReadOptions
) -> tuple[pd.DataFrame, Path]:
    """Look for the files beneath the folder the user gives, by the end of their paths."""
    columns = [name for name in table.columns if name.startswith(("path_", "illum_"))]
    addresses = {
        address: PlaneAddress.parse(address)
        for column in columns
        for address in map(str, table[column].dropna().unique())
        if address.strip()
    }
    wanted: dict[str, set[str]] = {}
    for address in addresses.values():
        wanted.setdefault(address.path.parent.as_posix(), set()).add(address.path.name)
    found = FoundFiles.of(wanted, table=path, options=options, needs_table=True)
    now = {
        text: f"{found.prefix(address.path.parent.as_posix())}{_last_part(text)}"
        for text, address in addresses.items()
    }
    return table.assign(**{name: table[name].map(now).fillna("") for name in columns}), found.root


def _last_part(address: str) -> str:
    return address.rpartition("/")[2]


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
    return table.replace_schema_metadata(None).to_pandas(), read_header(text, path)


def _read_csv(path: Path) -> tuple[pd.DataFrame, ScreenHeader]:
    columns = list(pd.read_csv(path, nrows=0).columns)
    text_columns = [name for name in columns if name in TEXT_COLUMNS or name.startswith("path_")]
    table = pd.read_csv(path, dtype=dict.fromkeys(text_columns, str), keep_default_na=False)
    sidecar = path.with_name(path.name + ".json")
    if sidecar.is_file():
        return table, read_header(sidecar.read_bytes(), path)
    labels = [name.removeprefix("path_") for name in columns if name.startswith("path_")]
    channels = name_channels(labels, {}, source=str(path))
    table = _with_channel_columns(table, [Channel(label) for label in labels], channels)
    return table, ScreenHeader(channels=[(channel.name, channel.label) for channel in channels])


def _write_parquet(table: pd.DataFrame, header: str, path: Path) -> None:
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), _METADATA_KEY: header.encode()}
    pq.write_table(arrow.replace_schema_metadata(metadata), path)


READER = Reader("screen_table", "napari-tide screen table", claims, read)
