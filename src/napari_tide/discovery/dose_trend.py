"""Does an effect grow with dose? Spearman's rank correlation over a compound's wells.

The p-value comes from shuffling the doses among the wells. How that distributes the correlation
depends on nothing but the ranks, so compounds with doses alike share one distribution.

Shapes: n wells, N shuffles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

N_SHUFFLES = 9_999
FEWEST_DOSES = 3

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class DoseTrend:
    """Spearman's rho of effect against dose, its two-sided p, and the doses it is over."""

    rho: float
    p_value: float
    n_doses: int


class DoseTrends:
    """Computes trends; compounds whose doses are laid out alike share their shuffles."""

    def __init__(self, *, n_shuffles: int = N_SHUFFLES, seed: int = 0) -> None:
        self._n_shuffles, self._seed = n_shuffles, seed
        self._nulls: dict[bytes, npt.NDArray[np.float64]] = {}

    def of(self, doses_n: Floats, effects_n: Floats) -> DoseTrend | None:
        """Give the trend over wells; nothing below three doses, or where all effects are equal."""
        given = np.isfinite(doses_n) & np.isfinite(effects_n) & (doses_n > 0)
        doses, effects = doses_n[given], effects_n[given]
        n_doses = len(np.unique(doses))
        if n_doses < FEWEST_DOSES or np.ptp(effects) == 0:
            return None
        dose_ranks = _standard(rankdata(doses))
        effect_ranks = _standard(rankdata(effects))
        rho = float(dose_ranks @ effect_ranks)
        null = self._null(np.sort(dose_ranks), np.sort(effect_ranks))
        n_as_large = len(null) - int(np.searchsorted(null, abs(rho) - 1e-9))
        return DoseTrend(rho, (n_as_large + 1) / (len(null) + 1), n_doses)

    def _null(
        self, dose_ranks: npt.NDArray[np.float64], effect_ranks: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        key = dose_ranks.tobytes() + effect_ranks.tobytes()
        if key not in self._nulls:
            random = np.random.default_rng([self._seed, len(dose_ranks)])
            shuffled = random.permuted(np.tile(effect_ranks, (self._n_shuffles, 1)), axis=1)
            self._nulls[key] = np.sort(np.abs(shuffled @ dose_ranks))
        return self._nulls[key]


def _standard(ranks: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = ranks - ranks.mean()
    unit: npt.NDArray[np.float64] = centred / np.linalg.norm(centred)
    return unit
