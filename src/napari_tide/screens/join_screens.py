"""Plates listed one by one, joined to one screen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.rebased_sites import rebased_sites
from napari_tide.screens.screen import Screen


def join_screens(screens: Sequence[Screen], *, source: str) -> Screen:
    """Join screens with the same channels; the channels keep the order of the first.

    Raises
    ------
    ScreenFormatError
        Their channels differ, or a plate is listed in two of them.
    """
    first = screens[0]
    if len(screens) == 1:
        return first
    for other in screens[1:]:
        _refuse_other_channels(first, other)
    root = Path(os.path.commonpath([screen.root for screen in screens]))
    sizes = {screen.pixel_size_um for screen in screens}
    warnings = [warning for screen in screens for warning in screen.warnings]
    if len(sizes) > 1:
        warnings.append(f"the plates of {source} differ in pixel size; it stays unknown")
    return replace(
        first,
        sites=pd.concat([rebased_sites(screen, root) for screen in screens], ignore_index=True),
        root=root,
        source=source,
        pixel_size_um=sizes.pop() if len(sizes) == 1 else None,
        plate_format=max(screen.plate_format for screen in screens if screen.plate_format),
        warnings=tuple(dict.fromkeys(warnings)),
        allow_outside=any(screen.allow_outside for screen in screens),
    )


def _refuse_other_channels(first: Screen, other: Screen) -> None:
    if set(first.channel_names) != set(other.channel_names):
        message = (
            f"{first.source} has channels {first.channel_names} but {other.source} has "
            f"{other.channel_names}; open plates with other channels one by one, or rename "
            "channels with --channels"
        )
        raise ScreenFormatError(message)
