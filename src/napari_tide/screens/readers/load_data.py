"""CellProfiler's ``load_data.csv``: a row per site, a file name and folder per channel.

The folders are those of the machine the table was written on; images are found again by the end of
the old path beneath the table's folder, or beneath the folder the user gives. Images that are found
nowhere keep the last two folders of their old path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import PathEscapeError, ScreenFormatError
from napari_tide.screens.assemble import name_channels
from napari_tide.screens.join_screens import join_screens
from napari_tide.screens.readers.delimited import first_line, read_delimited
from napari_tide.screens.readers.load_data_columns import (
    FILE_COLUMN,
    FileColumn,
    LoadDataFiles,
    names_by_folder,
)
from napari_tide.screens.readers.metadata_columns import pixel_size_of, site_metadata
from napari_tide.screens.readers.moved_files import Place, find_folders
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import illumination_column, path_column

_SUFFIXES = (".csv", ".csv.gz")
_NAME_HINT = "load_data"
_WITH_ILLUMINATION = "_with_illum"


def claims(source: Path) -> bool:
    """Tell whether the file is a load_data table, or the folder holds one."""
    if source.is_dir():
        return bool(_tables_in(source))
    if not (source.is_file() and source.name.lower().endswith(_SUFFIXES)):
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
    return join_screens([_read_table(table, options) for table in tables], source=str(source))


def _tables_in(folder: Path) -> list[Path]:
    """List the tables; where one stands with and without illumination, only the former."""
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []
    tables = [
        path
        for path in inside
        if path.name.lower().endswith(_SUFFIXES) and _NAME_HINT in path.name.lower()
    ]
    richer = {_plain_name(path) for path in tables if _WITH_ILLUMINATION in path.name}
    return [
        path
        for path in tables
        if _WITH_ILLUMINATION in path.name or _plain_name(path) not in richer
    ]


def _plain_name(path: Path) -> str:
    return path.name.replace(_WITH_ILLUMINATION, "").removesuffix(".gz")


def _read_table(path: Path, options: ReadOptions) -> Screen:
    table = read_delimited(path)
    files = LoadDataFiles.of(table, source=str(path))
    imaged = files.has_image()
    if not imaged.any():
        message = f"{path} names no image in any of its {len(table)} rows; export it again"
        raise ScreenFormatError(message)
    channels = name_channels(list(files.images), _without_orig(options.channels))
    metadata = site_metadata(table, plate=path.absolute().parent.name, source=str(path))
    found = _FoundFiles.of(files, path, options)
    columns: dict[str, pd.Series] = {}
    for channel in channels:
        columns[path_column(channel.name)] = found.addresses(files.images[channel.label])
        if channel.label in files.illumination:
            addresses = found.addresses(files.illumination[channel.label])
            columns[illumination_column(channel.name)] = addresses
    pixel_size_um, warnings = pixel_size_of(table)
    warnings += [*_gaps(files, imaged, path), *_lost_illumination(files, found)]
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


@dataclass(frozen=True, slots=True)
class _FoundFiles:
    """Where the table's folders are now, and the folder that addresses are relative to."""

    places: Mapping[str, Place]
    root: Path

    @classmethod
    def of(cls, files: LoadDataFiles, path: Path, options: ReadOptions) -> _FoundFiles:
        here = Path(os.path.abspath(path)).parent
        bases = [here] if options.images is None else [Path(os.path.abspath(options.images)), here]
        places = find_folders(
            names_by_folder([*files.images.values(), *files.illumination.values()]),
            beneath=bases,
            source=str(path),
            search_subfolders=options.images is not None,
            allow_outside=options.allow_outside,
        )
        if not options.allow_outside:
            _refuse_outside(places.values(), bases, path)
        return cls(places, _root_of(places.values(), bases))

    def addresses(self, column: FileColumn) -> pd.Series:
        prefixes = {old: self._prefix(place.folder) for old, place in self.places.items()}
        return (column.folders.map(prefixes) + column.names).where(column.names.ne(""), "")

    def _prefix(self, folder: str) -> str:
        if not Path(folder).is_relative_to(self.root):
            return Path(folder).as_posix() + "/"
        relative = Path(folder).relative_to(self.root).as_posix()
        return "" if relative == "." else relative + "/"


def _refuse_outside(places: Iterable[Place], bases: Sequence[Path], path: Path) -> None:
    for place in places:
        if not _is_beneath(place, bases):
            message = (
                f"{path} names files in {place.folder}, which lies outside {bases[0]}; "
                "give the folder of the images with --images, or allow it with --allow-outside"
            )
            raise PathEscapeError(message)


def _root_of(places: Iterable[Place], bases: Sequence[Path]) -> Path:
    """Give the images' folder, or one that holds the table too where files lie beside it."""
    beside = any(
        place.is_there and _is_beneath(place, bases[1:]) and not _is_beneath(place, bases[:1])
        for place in places
    )
    return Path(os.path.commonpath(bases)) if beside else bases[0]


def _is_beneath(place: Place, bases: Sequence[Path]) -> bool:
    return any(Path(place.folder).is_relative_to(base) for base in bases)


def _lost_illumination(files: LoadDataFiles, found: _FoundFiles) -> list[str]:
    folders = names_by_folder(files.illumination.values())
    lost = [old for old in folders if not found.places[old].is_there]
    if not lost:
        return []
    warning = (
        f"the illumination functions once in {lost[0] or 'the folder of the table'} are not there; "
        "copy them beneath the table's folder, or correct the images another way"
    )
    return [warning]


READER = Reader("load_data", "CellProfiler load_data.csv", claims, read)
