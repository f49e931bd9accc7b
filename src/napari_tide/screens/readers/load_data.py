"""CellProfiler's ``load_data.csv``: a row per site, a file name and folder per channel.

The folders are those of the machine the table was written on; images are found again by the end of
the old path beneath the table's folder, or beneath the folder the user gives. Images that are found
nowhere keep the last two folders of their old path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.assemble import name_channels
from napari_tide.screens.join_screens import join_screens
from napari_tide.screens.readers.delimited import first_line, read_delimited
from napari_tide.screens.readers.found_files import FoundFiles
from napari_tide.screens.readers.load_data_columns import (
    FILE_COLUMN,
    FileColumn,
    LoadDataFiles,
    names_by_folder,
)
from napari_tide.screens.readers.metadata_columns import pixel_size_of, site_metadata
from napari_tide.screens.readers.moved_files import subfolders
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import illumination_column, path_column
from napari_tide.screens.wording import some

_SUFFIXES = (".csv", ".csv.gz")
_NAME_HINT = "load_data"
_WITH_ILLUMINATION = "_with_illum"
_MOST_HEADERS = 50  # a folder of results can hold thousands of tables


def claims(source: Path) -> bool:
    """Tell whether the file is a load_data table, or the folder holds one."""
    if source.is_dir():
        return bool(_tables_in(source))
    if not (source.is_file() and _has_suffix(source.name)):
        return False
    return _NAME_HINT in source.name.lower() or FILE_COLUMN.search(first_line(source)) is not None


def read(source: Path, options: ReadOptions) -> Screen:
    """Read a load_data table, or all plates' tables in a folder.

    Raises
    ------
    ScreenFormatError
        It is no such table, is damaged, or its plates do not have the same channels.
    PathEscapeError
        The images lie outside the table's folder and the user did not allow it.
    """
    tables = _tables_in(source) if source.is_dir() else [source]
    if not tables:
        message = f"{source} holds no load_data.csv; give the table itself"
        raise ScreenFormatError(message)
    screen = join_screens([_read_table(table, options) for table in tables], source=str(source))
    others = _like_tables(source) if source.is_dir() else []
    left_out = [table.name for table in others if table not in tables]
    if not left_out:
        return screen
    warning = (
        f"{some(left_out)} in {source} also names images, and is left out since "
        f"{tables[0].name} is called load_data; open it by itself if it is wanted"
    )
    return screen.with_sites(screen.sites, warnings=[warning])


def _tables_in(folder: Path) -> list[Path]:
    """List the tables in a folder, or those of all plates one level down."""
    here = _tables_at(folder)
    if here:
        return here
    deeper = [table for inside in subfolders(str(folder)) for table in _tables_at(Path(inside))]
    return deeper or _like_tables(folder)


def _like_tables(folder: Path) -> list[Path]:
    """List tables that name images by their header but are not called load_data."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    others = [name for name in names if _has_suffix(name) and _NAME_HINT not in name.lower()]
    paths = [folder / name for name in others[:_MOST_HEADERS]]
    return [path for path in paths if path.is_file() and FILE_COLUMN.search(first_line(path))]


def _tables_at(folder: Path) -> list[Path]:
    """List the tables; where one stands with and without illumination, only the former."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    named = [name for name in names if _NAME_HINT in name.lower() and _has_suffix(name)]
    richer = {_plain_name(name) for name in named if _WITH_ILLUMINATION in name}
    chosen = [
        folder / name
        for name in named
        if _WITH_ILLUMINATION in name or _plain_name(name) not in richer
    ]
    return [path for path in chosen if path.is_file()]


def _has_suffix(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _plain_name(name: str) -> str:
    return name.replace(_WITH_ILLUMINATION, "").removesuffix(".gz")


def _read_table(path: Path, options: ReadOptions) -> Screen:
    table = read_delimited(path)
    files = LoadDataFiles.of(table, source=str(path))
    imaged = files.has_image()
    if not imaged.any():
        message = f"{path} names no image in any of its {len(table)} rows; export it again"
        raise ScreenFormatError(message)
    renames = _without_orig(options.channels)
    channels = name_channels(list(files.images), renames, source=str(path))
    plate = path.absolute().parent.name
    metadata, warnings = site_metadata(table, plate=plate, source=str(path))
    wanted = names_by_folder([*files.images.values(), *files.illumination.values()])
    found = FoundFiles.of(wanted, table=path, options=options)
    columns: dict[str, pd.Series] = {}
    for channel in channels:
        columns[path_column(channel.name)] = _addresses(files.images[channel.label], found)
        if channel.label in files.illumination:
            addresses = _addresses(files.illumination[channel.label], found)
            columns[illumination_column(channel.name)] = addresses
    pixel_size_um, about_pixels = pixel_size_of(table)
    warnings += [*about_pixels, *_gaps(files, imaged, path)]
    return Screen(
        sites=pd.concat([metadata, pd.DataFrame(columns)], axis=1)[imaged],
        channels=channels,
        root=found.root,
        format="load_data",
        source=str(path),
        pixel_size_um=pixel_size_um,
        warnings=tuple(warnings),
        allow_outside=options.allow_outside,
    )


def _without_orig(renames: Mapping[str, str]) -> dict[str, str]:
    """Let a user say ``OrigDNA``, as the header does, or ``DNA``."""
    return {re.sub(r"(?i)^orig(?=.)", "", label): stain for label, stain in renames.items()}


def _gaps(files: LoadDataFiles, imaged: pd.Series, path: Path) -> list[str]:
    warnings = []
    if not imaged.all():
        line = int((~imaged).to_numpy().argmax()) + 2
        warnings.append(
            f"{path} has {int((~imaged).sum())} rows that name no image (the first is line "
            f"{line}); they are left out"
        )
    for label, column in files.images.items():
        absent = int((column.names.eq("") & imaged).sum())
        if absent:
            warnings.append(f"{path} names no {label} image for {absent} of {len(imaged)} sites")
    return warnings


def _addresses(column: FileColumn, found: FoundFiles) -> pd.Series:
    prefixes = {old: found.prefix(old) for old in found.places}
    return (column.folders.map(prefixes) + column.names).where(column.names.ne(""), "")


READER = Reader("load_data", "CellProfiler load_data.csv", claims, read)
