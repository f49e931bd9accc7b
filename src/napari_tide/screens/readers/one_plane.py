"""One z plane and one time point per site, where a source has several."""

from __future__ import annotations

from collections.abc import Mapping
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


def _choose(planes: pd.DataFrame, axis: Axis, wanted: int | None, source: str) -> pd.DataFrame:
    present = sorted(int(index) for index in planes[axis].unique())
    said, option = _SAID[axis]
    if wanted is None:
        if len(present) <= 1:
            return planes
        message = (
            f"{source} has {len(present)} {said}s ({_listed(present)}); "
            f"choose one with {option} {present[len(present) // 2]}"
        )
        raise ScreenValueError(message)
    if wanted not in present:
        message = f"{source} has no {said} {wanted}; choose {option} among {_listed(present)}"
        raise ScreenValueError(message)
    is_single = planes.groupby("label")[axis].transform("nunique") == 1
    return planes[(planes[axis] == wanted) | is_single]


def _listed(indices: list[int]) -> str:
    shown = [str(index) for index in indices]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:6], "...", shown[-1]])
