"""Every supported format, in the order in which they are asked."""

from __future__ import annotations

from pathlib import Path

from napari_tide.errors import ScreenFormatError, ScreenMissingError
from napari_tide.screens.readers import (
    file_names,
    image_express,
    load_data,
    ome_zarr,
    phenix,
    rxrx,
    screen_table,
)
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.readers.unrecognised import why_unrecognised
from napari_tide.screens.screen import Screen

READERS: tuple[Reader, ...] = (
    screen_table.READER,
    phenix.READER,
    load_data.READER,
    ome_zarr.READER,
    image_express.READER,
    rxrx.READER,
    file_names.READER,
)


def find_reader(source: Path) -> Reader | None:
    """Give the first reader that claims the file or folder, or none."""
    return next((reader for reader in READERS if reader.claims(source)), None)


def read_screen(source: Path, options: ReadOptions) -> Screen:
    """Read a screen with whichever reader claims it.

    Raises
    ------
    ScreenMissingError
        Nothing is there.
    ScreenFormatError
        No reader knows it, or the one that does finds it broken.
    """
    if not _exists(source):
        message = f"{source} does not exist; give a plate folder, load_data.csv, Index.xml or .zarr"
        raise ScreenMissingError(message)
    if options.images is not None and not options.images.is_dir():
        message = f"{options.images} is no folder; give with --images the folder of the images"
        raise ScreenMissingError(message)
    reader = file_names.READER if options.pattern is not None else find_reader(source)
    if reader is None:
        raise ScreenFormatError(why_unrecognised(source, [reader.title for reader in READERS]))
    return reader.read(source, options)


def _exists(source: Path) -> bool:
    try:
        return source.exists()
    except OSError as error:  # a name no disk can have, or a folder above that may not be entered
        message = f"{source} cannot be opened ({error.strerror or error}); check the path"
        raise ScreenMissingError(message) from error
