"""The files a table names, found where they are now, and how to address them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from napari_tide.errors import PathEscapeError
from napari_tide.screens.readers.moved_files import Place, find_folders
from napari_tide.screens.readers.reader import ReadOptions


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Where the folders that a table names are now.

    Parameters
    ----------
    places
        Old folder to where it is.
    root
        The folder that addresses are relative to.
    """

    places: Mapping[str, Place]
    root: Path

    @classmethod
    def of(
        cls,
        wanted: Mapping[str, Set[str]],
        *,
        table: Path,
        options: ReadOptions,
        needs_table: bool = False,
    ) -> FoundFiles:
        """Look beneath the images folder the user gave, and beneath the table's own folder.

        Parameters
        ----------
        wanted
            Old folder to the names of its files.
        table
            The file that names them.
        options
            Where the user says the images are, and whether they may lie outside.
        needs_table
            Addresses point into the table's folder too, so the root must hold it.

        Raises
        ------
        PathEscapeError
            Files lie elsewhere and the user did not allow it.
        """
        here = Path(os.path.abspath(table)).parent
        bases = [here] if options.images is None else [Path(os.path.abspath(options.images)), here]
        places = find_folders(
            wanted,
            beneath=bases,
            source=str(table),
            search_subfolders=options.images is not None,
            allow_outside=options.allow_outside,
        )
        if not options.allow_outside:
            _refuse_outside(places.values(), bases, table)
        beside = any(
            place.is_there and _is_beneath(place, bases[1:]) and not _is_beneath(place, bases[:1])
            for place in places.values()
        )
        root = Path(os.path.commonpath(bases)) if beside or needs_table else bases[0]
        return cls(places, root)

    def prefix(self, old: str) -> str:
        """Give what stands before a file's name in its address."""
        return self.prefix_of(Path(self.places[old].folder))

    def prefix_of(self, folder: Path) -> str:
        """Give what stands before the name of a file in `folder`, an absolute path."""
        if not folder.is_relative_to(self.root):
            return folder.as_posix() + "/"
        relative = folder.relative_to(self.root).as_posix()
        return "" if relative == "." else relative + "/"


def _refuse_outside(places: Iterable[Place], bases: Sequence[Path], table: Path) -> None:
    for place in places:
        if not _is_beneath(place, bases):
            message = (
                f"{table} names files in {place.folder}, which lies outside {bases[0]}; "
                "give the folder of the images with --images, or allow it with --allow-outside"
            )
            raise PathEscapeError(message)


def _is_beneath(place: Place, bases: Sequence[Path]) -> bool:
    return any(Path(place.folder).is_relative_to(base) for base in bases)
