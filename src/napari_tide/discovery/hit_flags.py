"""What should make a user look twice at a hit: place on the plate, replicates, images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.well_table import WellTable
from napari_tide.errors import PlateValueError
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.well import Well

SEPARATOR = "; "
_SMALLEST_FORMAT = 96


class HitFlags:
    """Flags of the wells of one table."""

    def __init__(self, table: WellTable) -> None:
        self._is_edge = _edge_wells(table.wells)
        self._qc = table.wells["qc"].to_numpy(dtype=object)

    def of(self, wells: npt.NDArray[np.int64]) -> str:
        """Say what is wrong with a treatment's wells, in words; empty when nothing is."""
        flags = []
        n_edge = int(self._is_edge[wells].sum())
        if n_edge:
            flags.append(f"edge well ({n_edge} of {len(wells)})")
        if len(wells) < 2:
            flags.append("< 2 replicates")
        bad = [text for text in self._qc[wells] if text]
        if bad:
            words = dict.fromkeys(word for text in bad for word in str(text).split("|"))
            flags.append(f"QC ({len(bad)} of {len(wells)}: {', '.join(words)})")
        return SEPARATOR.join(flags)


def _edge_wells(wells: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which wells lie on the rim of the smallest standard plate that holds the plate's wells.

    Wells whose names cannot be read, or fit no plate, are not flagged.
    """
    is_edge = np.zeros(len(wells), bool)
    for _, rows in wells.groupby("plate", sort=False):
        try:
            places = [Well.parse(name) for name in rows["well"]]
            plate = PlateFormat.holding(places, at_least=_SMALLEST_FORMAT)
        except PlateValueError:
            continue
        is_edge[rows.index.to_numpy()] = [plate.is_edge(place) for place in places]
    return is_edge
