"""What a reader is: a name, a quick look, and a way to list the sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_tide.screens.screen import Screen


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a user may say about a source that the source does not say itself.

    Parameters
    ----------
    channels
        What the source calls a channel, to the stain it is: ``{"ch5": "DNA"}``.
    pattern
        A file-name pattern with named groups ``well`` or ``row`` and ``column``, ``channel``, and
        optionally ``plate``, ``site``, ``z``, ``time``.
    images
        The folder the images are in now, where it differs from where the table says.
    plane
        Which z plane to use where a site has several, counted as in the source.
    time
        Which time point to use where a site has several, counted as in the source.
    allow_outside
        Let paths leave the source's folder.
    """

    channels: Mapping[str, str] = field(default_factory=dict)
    pattern: str | None = None
    images: Path | None = None
    plane: int | None = None
    time: int | None = None
    allow_outside: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """One supported format.

    Parameters
    ----------
    name
        What ``tide inspect`` prints as the format.
    title
        What a user would call it.
    claims
        Tell from names (and at most the first bytes) whether a file or folder is of this format.
    read
        List the sites; no pixel is read.
    """

    name: str
    title: str
    claims: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], Screen]
