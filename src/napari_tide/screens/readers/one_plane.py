"""One z plane and one time point per site, where a source has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from napari_tide.errors import ScreenValueError
from napari_tide.screens.readers.reader import ReadOptions

Axis = Literal["z", "time"]
_SAID: Mapping[Axis, tuple[str, str]] = {
    "z": ("z plane", "--plane"),
    "time": ("time point", "--time"),
}


def choose_planes(planes: pd.DataFrame, options: ReadOptions, *, source: str) -> pd.DataFrame:
    """Keep the z plane and time point the user wants; where there is but one, keep that.

    Parameters
    ----------
    planes
        One row per plane, with ``label`` and whole-number columns ``z`` and ``time``. Channels
        imaged in a single z plane keep it, whichever is chosen for the others.
    options
        The user's choice.
    source
        The file or folder, for messages.

    Raises
    ------
    ScreenValueError
        There are several and the user chose none, or one that is not there.
    """
    chosen = _choose(planes, "z", options.plane, source)
    return _choose(chosen, "time", options.time, source)


def choose_index(present: Sequence[int], wanted: int | None, axis: Axis, *, source: str) -> int:
    """Give the index along one axis that the user wants, or the only one there is.

    Raises
    ------
    ScreenValueError
        There are several and the user chose none, or one that is not there.
    """
    said, option = _SAID[axis]
    if wanted is None and len(present) > 1:
        message = (
            f"{source} has {len(present)} {said}s ({_listed(present)}); "
            f"choose one with {option} {present[len(present) // 2]}"
        )
        raise ScreenValueError(message)
    if wanted is not None and wanted not in present:
        message = (
            f"{source} has no {said} {wanted} (it has {_listed(present)}); choose another {option}"
        )
        raise ScreenValueError(message)
    return present[0] if wanted is None else wanted


def _choose(planes: pd.DataFrame, axis: Axis, wanted: int | None, source: str) -> pd.DataFrame:
    present = sorted(int(index) for index in planes[axis].unique())
    index = choose_index(present, wanted, axis, source=source)
    is_single = planes.groupby("label")[axis].transform("nunique") == 1
    return planes[(planes[axis] == index) | is_single]


def _listed(indices: Sequence[int]) -> str:
    short = len(indices) <= 8
    shown = indices if short else [*indices[:6], "...", indices[-1]]
    return ", ".join(map(str, shown))
