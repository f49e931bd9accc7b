"""How alike wells with shuffled labels are to a probe by chance.

Under the null hypothesis it does not matter which well carries which label. A draw takes as many
wells from each plate as the treatment has there, out of all treated wells of its kind, whatever
they hold, and calls them the treatment.

Shapes: N draws, Q probes, D features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.permutation import Stratum, draw_wells
from napari_tide.discovery.probes import Probes
from napari_tide.discovery.treatments import Treatment
from napari_tide.discovery.well_table import WellTable

MOST_PATTERNS = 64
"""More ways than this to lie on plates, and wells are shuffled within batches instead."""

_MOST_VALUES_KEPT = 100_000_000  # 400 MB of drawn means


class LabelNull:
    """Null scores from the other treated wells of the same plates, or batches.

    Parameters
    ----------
    table
        All wells.
    treatments
        What is ranked; their wells are the ones shuffled.
    seed
        The same seed draws the same wells.
    """

    name = "labels"

    def __init__(self, table: WellTable, treatments: Sequence[Treatment], *, seed: int = 0) -> None:
        self._table, self._seed = table, seed
        self._members = np.concatenate([treatment.rows_n for treatment in treatments])
        self.unit = "plate"
        self._codes = self._codes_of("plate")
        patterns = {self._pattern(treatment) for treatment in treatments}
        if len(patterns) > MOST_PATTERNS:
            self.unit = "batch"
            self._codes = self._codes_of("batch")
        self._pools = {
            int(code): self._members[self._codes[self._members] == code]
            for code in np.unique(self._codes[self._members])
        }
        self._kept: dict[object, npt.NDArray[np.float32]] = {}

    def draw(
        self, treatment: Treatment, probes: Probes, *, n_draws: int, key: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """Score `n_draws` draws against every probe, N x Q.

        Treatments that lie on plates alike share their draws; those of one compound's doses do
        not, which is what the last number of the key tells apart.
        """
        pattern = self._pattern(treatment)
        known = (pattern, n_draws, key[1:])
        if known not in self._kept:
            if sum(means.size for means in self._kept.values()) > _MOST_VALUES_KEPT:
                self._kept.clear()
            random = np.random.default_rng([self._seed, *key[1:], *np.ravel(pattern)])
            self._kept[known] = self._draw_means(pattern, n_draws, random)
        return probes.scores(self._kept[known])

    def _draw_means(
        self, pattern: tuple[tuple[int, int], ...], n_draws: int, random: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        rows = np.concatenate([self._pools[code] for code, _ in pattern])
        strata, first = [], 0
        for code, n_drawn in pattern:
            strata.append(Stratum(first, len(self._pools[code]), n_drawn))
            first += len(self._pools[code])
        drawn_Nn = rows[draw_wells(strata, n_draws=n_draws, random=random)]
        sums = np.zeros((n_draws, self._table.rows_ND.shape[1]), np.float32)
        for column in drawn_Nn.T:
            sums += self._table.rows_ND[column]
        means: npt.NDArray[np.float32] = sums / np.float32(drawn_Nn.shape[1])
        return means

    def _codes_of(self, column: str) -> npt.NDArray[np.int64]:
        return pd.factorize(self._table.wells[column].astype(str))[0].astype(np.int64)

    def _pattern(self, treatment: Treatment) -> tuple[tuple[int, int], ...]:
        codes, counts = np.unique(self._codes[treatment.rows_n], return_counts=True)
        return tuple(zip(codes.tolist(), counts.tolist(), strict=True))
