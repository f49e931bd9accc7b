"""Which plate of a plate map is which plate of the screen, where they are spelt differently."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def plate_spellings(plates: pd.Series, experiments: pd.Series | None) -> list[pd.Series]:
    """List the ways in which the plates of a map may be spelt elsewhere.

    RxRx counts plates within an experiment, and names them ``HEPG2-08_1`` in images and ids.
    """
    if experiments is None:
        return [plates]
    return [experiments + "_" + plates, experiments + "_Plate" + plates, plates]


def match_plates(screen_plates: Iterable[str], map_plates: Iterable[str]) -> dict[str, str]:
    """Map each plate of the screen to the map's name for it; plates the map lacks are left out.

    Case does not matter, and a Phenix measurement ``BR00121482__2020-11-08...`` is the plate
    ``BR00121482``, also when it was imaged twice.
    """
    folded = {name.casefold(): name for name in map_plates}
    matched = {}
    for plate in screen_plates:
        whole = plate.casefold()
        name = folded.get(whole) or folded.get(whole.split("__")[0])
        if name is not None:
            matched[plate] = name
    return matched
