"""Plate formats: how many rows and columns a plate has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_tide.errors import PlateValueError
from napari_tide.screens.well import Well


@dataclass(frozen=True, slots=True, order=True)
class PlateFormat:
    """The grid of a plate, such as 16 x 24 for 384 wells."""

    rows: int
    columns: int

    @property
    def n_wells(self) -> int:
        """How many wells the grid has."""
        return self.rows * self.columns

    @classmethod
    def of(cls, n_wells: int) -> PlateFormat:
        """Give the standard format with `n_wells` wells."""
        for known in STANDARD_FORMATS:
            if known.n_wells == n_wells:
                return known
        available = [known.n_wells for known in STANDARD_FORMATS]
        message = f"no plate has {n_wells} wells. Available: {available}"
        raise PlateValueError(message)

    @classmethod
    def holding(cls, wells: Iterable[Well], *, at_least: int = 6) -> PlateFormat:
        """Give the smallest standard format in which every well has a place."""
        present = list(wells)
        rows = max((well.row for well in present), default=0) + 1
        columns = max((well.column for well in present), default=0) + 1
        for known in STANDARD_FORMATS:
            if known.n_wells >= at_least and known.rows >= rows and known.columns >= columns:
                return known
        largest = STANDARD_FORMATS[-1]
        message = (
            f"well {max(present).name} lies outside the largest plate known "
            f"({largest.rows} x {largest.columns}); check the well names"
        )
        raise PlateValueError(message)

    def contains(self, well: Well) -> bool:
        """Tell whether the well has a place on this plate."""
        return 0 <= well.row < self.rows and 0 <= well.column < self.columns

    def is_edge(self, well: Well) -> bool:
        """Tell whether the well lies in the outermost ring, where evaporation shows."""
        return well.row in (0, self.rows - 1) or well.column in (0, self.columns - 1)

    def wells(self) -> list[Well]:
        """List every position, row by row."""
        return [Well(row, column) for row in range(self.rows) for column in range(self.columns)]


STANDARD_FORMATS = (
    PlateFormat(2, 3),
    PlateFormat(3, 4),
    PlateFormat(4, 6),
    PlateFormat(6, 8),
    PlateFormat(8, 12),
    PlateFormat(16, 24),
    PlateFormat(32, 48),
)
