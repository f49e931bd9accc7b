"""Which z plane or time point of a stack is used, where a site has several."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from napari_tide.errors import ScreenFormatError

_WORDS = {"plane": "z planes", "time": "time points"}


def choose_index(
    available: Collection[int],
    wanted: int | None,
    *,
    option: Literal["plane", "time"],
    source: str,
) -> int:
    """Give the index the user wants, or the only one there is.

    Parameters
    ----------
    available
        The indices the source has, counted as it counts them.
    wanted
        What ``--plane`` or ``--time`` says.
    option
        Which of the two is asked for.
    source
        The file or folder, for messages.

    Raises
    ------
    ScreenFormatError
        There are several and the user named none, or named one that is not there.
    """
    if wanted is None and len(available) == 1:
        return next(iter(available))
    if wanted is not None and wanted in available:
        return wanted
    first, last = min(available), max(available)
    there = f"{len(available)} {_WORDS[option]}, {first} to {last}"
    if len(available) == 1:
        there = f"one of the {_WORDS[option]}, {first}"
    if wanted is None:
        message = f"{source} has {there}; choose one with --{option}, such as --{option} {first}"
    else:
        message = f"{source} has {there}, not {wanted}; choose one of these with --{option}"
    raise ScreenFormatError(message)
