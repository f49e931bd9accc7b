"""Refusing a split whose two sides share a well or a plate.

Fields of one well share its cells, its stain and its neighbours: a query from the support's own
well is recognised by the well, not by the treatment.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.interventions import Apart
from napari_tide.errors import SplitLeakError

Names = npt.NDArray[np.object_]


def refuse_leak(
    places_A: Names, places_B: Names, *, sides: tuple[str, str], apart: Apart = "well"
) -> None:
    """Refuse two sets of rows that come from a common well (or plate).

    Raises
    ------
    SplitLeakError
        They do.
    """
    shared = sorted({str(place) for place in set(places_A) & set(places_B)})
    if shared:
        message = (
            f"{sides[0]} and {sides[1]} share {len(shared)} {apart}s, the first {shared[0]!r}: a "
            f"row could be recognised by its {apart}; move all rows of a {apart} to one side"
        )
        raise SplitLeakError(message)
