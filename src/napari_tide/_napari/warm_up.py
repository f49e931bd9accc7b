"""Doing once, while the user looks for a screen, what napari does with its first layer."""

from __future__ import annotations

from functools import cache

import numpy as np
from napari.layers import Image


@cache
def warm_up() -> None:
    """Make a layer nobody sees.

    It loads the units' definitions, SciPy's filters and the colour maps, which would otherwise be
    added to the wait for the first well (0.6 s of it where that was measured).
    """
    Image(np.zeros((2, 2), np.uint16), scale=(1, 1), units=("um", "um"), axis_labels=("y", "x"))
