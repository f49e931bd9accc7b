"""What was imaged: all plates of one experiment, as one table of sites."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.errors import (
    PathEscapeError,
    PlateValueError,
    ScreenFormatError,
    ScreenValueError,
    one_line,
)
from napari_tide.plane_address import PlaneAddress
from napari_tide.screens.channels import Channel, select_channels
from napari_tide.screens.folder_listings import FolderListings
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.site_table import illumination_column, normalise_sites, path_column
from napari_tide.screens.well import Well


@dataclass(frozen=True, slots=True)
class Site:
    """One field of view, with where its planes lie (absent channels are left out)."""

    plate: str
    well: Well
    number: int
    planes: Mapping[str, PlaneAddress]
    illumination: Mapping[str, PlaneAddress]


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate of a screen: its grid and the wells that were imaged."""

    name: str
    format: PlateFormat
    wells: tuple[Well, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """All plates of one experiment.

    Parameters
    ----------
    sites
        One row per site (see ``site_table``); checked and sorted when the screen is built.
    channels
        The stains, in order.
    root
        The folder that paths in the table are relative to.
    format
        The reader's name, such as ``"load_data"``.
    source
        The file or folder that was opened.
    pixel_size_um
        Width of a pixel in micrometres, where the source says it.
    plate_format
        The grid of the plates; where none is given, the smallest standard one that holds the wells.
    warnings
        What a user should know about the source, one sentence each.
    allow_outside
        Let paths leave `root` (the user asked for it).
    """

    sites: pd.DataFrame
    channels: tuple[Channel, ...]
    root: Path
    format: str
    source: str
    pixel_size_um: float | None = None
    plate_format: PlateFormat | None = None
    warnings: tuple[str, ...] = ()
    allow_outside: bool = False
    _rows: Mapping[tuple[str, str, int], int] = field(init=False, repr=False)
    _wells: Mapping[tuple[str, str], slice] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the table once, so that a half-valid screen cannot exist."""
        if not self.channels:
            message = f"{self.source} names no channel; expected at least one image per site"
            raise ScreenFormatError(message)
        unfit = [name for name in self.channel_names if not _is_name(name, self.channel_names)]
        if unfit:
            message = (
                f"{self.source} names channel {unfit[0]!r} twice or not at all; name each once"
            )
            raise ScreenFormatError(message)
        if self.pixel_size_um is not None and not 0 < self.pixel_size_um < math.inf:
            message = (
                f"{self.source} has pixels of {self.pixel_size_um} µm; expected a width above zero"
            )
            raise ScreenFormatError(message)
        table = normalise_sites(self.sites, self.channel_names, source=self.source)
        keys = zip(table["plate"], table["well"], table["site"], strict=True)
        object.__setattr__(self, "sites", table)
        object.__setattr__(self, "warnings", tuple(map(one_line, self.warnings)))
        object.__setattr__(self, "root", Path(os.path.abspath(self.root)))
        object.__setattr__(self, "_rows", {key: row for row, key in enumerate(keys)})
        object.__setattr__(self, "_wells", _rows_of_wells(table))
        object.__setattr__(self, "plate_format", self._fitting_format())
        if not self.allow_outside:
            self._refuse_outside_paths()

    @property
    def channel_names(self) -> list[str]:
        """The stains' names, in order."""
        return [channel.name for channel in self.channels]

    @property
    def plate_names(self) -> list[str]:
        """The plates' names, sorted."""
        return list(self.sites["plate"].unique())

    @property
    def n_sites(self) -> int:
        """How many fields of view were imaged."""
        return len(self.sites)

    def plate(self, name: str) -> Plate:
        """Give one plate."""
        wells = [well for plate, well in self._wells if plate == name]
        if not wells:
            message = f"no plate {name!r} in {self.source}. Available: {self.plate_names[:10]}"
            raise ScreenValueError(message)
        assert self.plate_format is not None
        return Plate(name, self.plate_format, tuple(Well.parse(well) for well in wells))

    def site_numbers(self, plate: str, well: Well) -> list[int]:
        """List the sites imaged in one well."""
        rows = self._wells.get((plate, well.name))
        return [] if rows is None else [int(number) for number in self.sites["site"].iloc[rows]]

    def site(self, plate: str, well: Well, number: int) -> Site:
        """Give one field of view."""
        return self.site_at(self.row_of(plate, well, number))

    def row_of(self, plate: str, well: Well, number: int) -> int:
        """Give the row of one field of view in the table."""
        row = self._rows.get((plate, well.name, number))
        if row is None:
            message = f"no site {number} in well {well.name} of plate {plate!r} in {self.source}"
            raise ScreenValueError(message)
        return row

    def site_at(self, row: int) -> Site:
        """Give the field of view in one row of the table."""
        values = self.sites.iloc[row]
        return Site(
            plate=values["plate"],
            well=Well.parse(values["well"]),
            number=int(values["site"]),
            planes=self._addresses(values, path_column),
            illumination=self._addresses(values, illumination_column),
        )

    def select(self, wanted: Sequence[str]) -> Screen:
        """Keep some channels, by stain name, in the order given."""
        names = select_channels(wanted, self.channel_names)
        by_name = {channel.name: channel for channel in self.channels}
        return replace(self, channels=tuple(by_name[name] for name in names))

    def with_sites(self, sites: pd.DataFrame, *, warnings: Sequence[str] = ()) -> Screen:
        """Give the same screen with another table, such as one with a plate map joined."""
        return replace(self, sites=sites, warnings=(*self.warnings, *warnings))

    def resolve(self, address: str) -> PlaneAddress:
        """Give the absolute address of a path as it stands in the table."""
        relative = PlaneAddress.parse(address)
        return PlaneAddress(Path(os.path.normpath(self.root / relative.path)), relative.indices)

    def missing_files(self) -> list[str]:
        """List the image files the table names that are not there (no file is opened)."""
        return self._missing([path_column(name) for name in self.channel_names])

    def missing_illumination_files(self) -> list[str]:
        """List the files of illumination functions that are not there."""
        return self._missing([illumination_column(name) for name in self.channel_names])

    def _missing(self, columns: Sequence[str]) -> list[str]:
        listings = FolderListings(self.root)
        absent = (name for name in self._distinct_paths(columns) if not listings.has(name))
        # once each: an array or stack holds several planes
        return list(dict.fromkeys(map(listings.path, absent)))

    def _fitting_format(self) -> PlateFormat:
        wells = [Well.parse(name) for name in self.sites["well"].unique()]
        if self.plate_format is None:
            try:
                return PlateFormat.holding(wells, at_least=96)
            except PlateValueError as error:
                message = f"{self.source}: {error}"
                raise ScreenFormatError(message) from error
        beyond = [well.name for well in wells if not self.plate_format.contains(well)]
        if beyond:
            message = (
                f"{self.source} says its plates have {self.plate_format.rows} rows and "
                f"{self.plate_format.columns} columns, yet lists well {beyond[0]}; check the wells"
            )
            raise ScreenFormatError(message)
        return self.plate_format

    def _addresses(self, values: pd.Series, column_of: object) -> dict[str, PlaneAddress]:
        assert callable(column_of)
        columns = {name: column_of(name) for name in self.channel_names}
        return {
            name: self.resolve(values[column])
            for name, column in columns.items()
            if values.get(column)
        }

    def _distinct_paths(self, columns: Sequence[str]) -> list[str]:
        present = [column for column in columns if column in self.sites.columns]
        values = pd.unique(self.sites[present].to_numpy().ravel())
        return [value for value in values if value]

    def _refuse_outside_paths(self) -> None:
        names = self.channel_names
        columns = [*map(path_column, names), *map(illumination_column, names)]
        inside = str(self.root).rstrip(os.sep) + os.sep
        for column in [column for column in columns if column in self.sites.columns]:
            addresses = self.sites[column].tolist()
            if not _any_could_leave(addresses):
                continue
            for address in filter(None, dict.fromkeys(addresses)):
                path = self.resolve(address).path
                if not str(path).startswith(inside):
                    message = (
                        f"{self.source} names {address!r}, which lies outside {self.root}; "
                        "move the images there, or allow it with --allow-outside"
                    )
                    raise PathEscapeError(message)


def _rows_of_wells(table: pd.DataFrame) -> dict[tuple[str, str], slice]:
    """Say where each well's rows stand: side by side, as the table is sorted by place."""
    plates, wells = table["plate"].to_numpy(), table["well"].to_numpy()
    is_first = np.ones(len(table), dtype=bool)
    is_first[1:] = (plates[1:] != plates[:-1]) | (wells[1:] != wells[:-1])
    starts = np.flatnonzero(is_first).tolist()
    ends = [*starts[1:], len(table)]
    return {(plates[i], wells[i]): slice(i, end) for i, end in zip(starts, ends, strict=True)}


def _is_name(name: str, names: Sequence[str]) -> bool:
    return bool(name.strip()) and names.count(name) == 1


def _any_could_leave(addresses: Sequence[str]) -> bool:
    """Pass a million plain paths at once, before suspicious ones are resolved one by one.

    A path can leave by a step upwards, from a root, or (Windows) by a drive or a share; one that is
    the root itself, as "." or "#c=1" is, lies not in it either.
    """
    together = "\n" + "\n".join(addresses)
    return any(mark in together for mark in ("..", "\n/", "\n\\", ":", "\n.", "\n#"))
