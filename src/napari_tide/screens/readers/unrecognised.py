"""What to say of a file or folder that no reader knows: what it holds, and what would do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from napari_tide.screens.readers.name_pattern import IMAGE_SUFFIXES
from napari_tide.screens.wording import counted

_PATTERN = r"--pattern '(?P<well>[A-P]\d\d)_(?P<site>\d+)_(?P<channel>\w+)\.tif'"


def why_unrecognised(source: Path, titles: Sequence[str]) -> str:
    """Say in one sentence why a source cannot be opened as a screen.

    Parameters
    ----------
    source
        A file or folder that is there.
    titles
        The supported formats.
    """
    supported = f"none of the supported formats ({'; '.join(titles)})"
    try:
        if not source.is_dir():
            with source.open("rb"):
                return _about_file(source, supported)
        names = sorted(name for name in os.listdir(source) if not name.startswith("."))
    except OSError as error:
        return f"{source} cannot be read ({error.strerror or error}); check its permissions"
    if not names:
        return f"{source} is empty; give a folder of images, an Index.xml or a load_data.csv"
    images = [name for name in names if name.lower().endswith(IMAGE_SUFFIXES)]
    if images:
        return (
            f"the names of the {counted(len(images), 'image')} in {source}, such as {images[0]}, "
            f"do not say well and channel; describe them, for example with {_PATTERN}"
        )
    return (
        f"{source} holds no images ({counted(len(names), 'entry', 'entries')}, such as {names[0]}) "
        f"and is {supported}; give the folder of the images, or describe those further down with "
        "--pattern"
    )


def _about_file(source: Path, supported: str) -> str:
    if source.name.lower().endswith(IMAGE_SUFFIXES):
        return f"{source} is a single image; give the folder it is in"
    return f"{source} is {supported}; give the folder of the images, or a table that names them"
