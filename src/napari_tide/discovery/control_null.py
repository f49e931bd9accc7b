"""How alike untreated wells are to a probe by chance: draws among a plate's negative controls.

Under the null hypothesis a treatment does nothing, so its wells and the controls of their plates
are interchangeable. A draw takes as many wells from each plate as the treatment has there, out of
the controls and the treatment's own wells together, and calls them the treatment; what is left
over becomes the controls. Everything that was centred on the controls is then centred anew, the
probe included: two profiles centred on the same few controls share their error, which makes
unrelated ones look alike, and the null has to repeat that.

With M controls and n_b of the treatment's n wells on plate b, S_b the wells drawn, P_b the sum of
its own and w_b = n_b / n, the drawn mean minus the mean of the rest is

    T = sum_b a_b sum(S_b) - u,   a_b = (1 + n_b / M_b) / n,   u = sum_b (w_b / M_b) P_b

and the probe q moves by k (T - t), with t the treatment as it is and k the probe's share of the
same controls (exact where probe and treatment lie on plates alike, least squares elsewhere).
The draw that takes the treatment's own wells gives T = t and leaves the probe where it is.

Shapes: N draws, n wells of a treatment, P wells of a pool, Q probes, D features, B plates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.permutation import Stratum, draw_wells
from napari_tide.discovery.probes import Probes
from napari_tide.discovery.treatments import Treatment
from napari_tide.discovery.well_table import WellTable

Rows = npt.NDArray[np.float32]

_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """A treatment's wells and the controls of their plates."""

    rows_PD: Rows
    own_n: npt.NDArray[np.int64]
    strata: tuple[Stratum, ...]
    units_B: npt.NDArray[np.int64]
    n_controls_B: npt.NDArray[np.float64]
    n_own_B: npt.NDArray[np.float64]


class ControlNull:
    """Null scores from the negative controls of the plates a treatment is on."""

    name = "controls"

    def __init__(self, table: WellTable, *, seed: int = 0) -> None:
        self._table, self._seed = table, seed
        is_control = table.is_control
        self._controls = {
            int(unit): np.flatnonzero(is_control & (table.unit_N == unit))
            for unit in np.unique(table.unit_N)
        }

    def draw(
        self, treatment: Treatment, probes: Probes, *, n_draws: int, key: tuple[int, ...]
    ) -> npt.NDArray[np.float64]:
        """Score `n_draws` draws against every probe, N x Q; the same key draws the same wells."""
        pool = self._pool(treatment)
        random = np.random.default_rng([self._seed, *key])
        drawn_Nn = draw_wells(pool.strata, n_draws=n_draws, random=random)
        n_own = pool.n_own_B.sum()
        a_B = (1 + pool.n_own_B / pool.n_controls_B) / n_own
        a_n = np.repeat(a_B, pool.n_own_B.astype(int)).astype(np.float32)
        own_nD = pool.rows_PD[pool.own_n]
        shares_n = np.repeat(pool.n_own_B / (n_own * pool.n_controls_B), pool.n_own_B.astype(int))
        u_D = shares_n.astype(np.float32) @ own_nD
        t_D = own_nD.mean(axis=0)
        q_QD = probes.unit_vectors()

        sides_D5 = np.column_stack([q_QD.T, u_D, t_D])
        dots_P5 = pool.rows_PD @ sides_D5
        drawn_N5 = np.einsum("n,Nnq->Nq", a_n, dots_P5[drawn_Nn])
        along_q = drawn_N5[:, :-2] - q_QD @ u_D  # T . q
        if probes.measure == "projection":
            return np.asarray(along_q, np.float64)
        along_t = (drawn_N5[:, -1] - t_D @ u_D)[:, None]
        squared = _squared_norms(pool.rows_PD, drawn_Nn, a_n) - 2 * drawn_N5[:, -2] + u_D @ u_D
        squared = np.maximum(squared, _TINY)[:, None]  # |T|^2
        k_Q = np.array([self._shared(probe, a_B, pool) for probe in _wells_scaled(probes)])
        moved = squared - 2 * along_t + t_D @ t_D  # |T - t|^2
        numerator = along_q + k_Q * (squared - along_t)
        q_squared = 1 + 2 * k_Q * (along_q - q_QD @ t_D) + k_Q**2 * moved
        return np.asarray(numerator / np.sqrt(squared * np.maximum(q_squared, _TINY)), np.float64)

    def _pool(self, treatment: Treatment) -> _Pool:
        rows_n = treatment.rows_n
        units_n = self._table.unit_N[rows_n]
        parts, strata, own = [], [], []
        units_B, n_own_B = np.unique(units_n, return_counts=True)
        first = 0
        for unit, n_own in zip(units_B, n_own_B, strict=True):
            controls = self._controls[int(unit)]
            parts += [controls, rows_n[units_n == unit]]
            strata.append(Stratum(first, len(controls) + int(n_own), int(n_own)))
            own.append(first + len(controls) + np.arange(n_own))
            first += len(controls) + int(n_own)
        return _Pool(
            self._table.rows_ND[np.concatenate(parts)],
            np.concatenate(own),
            tuple(strata),
            units_B,
            np.array([len(self._controls[int(unit)]) for unit in units_B], np.float64),
            n_own_B.astype(np.float64),
        )

    def _shared(
        self, probe: tuple[npt.NDArray[np.int64], float], a_B: npt.NDArray[np.float64], pool: _Pool
    ) -> float:
        """Give k: how far the probe moves when the controls change, in units of the treatment."""
        wells, norm = probe
        if not len(wells):
            return 0.0
        units_n = self._table.unit_N[wells]
        share_B = np.array([np.mean(units_n == unit) for unit in pool.units_B])
        moves_B = share_B / pool.n_controls_B
        weight_B = pool.n_own_B
        return float((moves_B * a_B * weight_B).sum() / (a_B**2 * weight_B).sum() / norm)


def _wells_scaled(probes: Probes) -> list[tuple[npt.NDArray[np.int64], float]]:
    norms = np.linalg.norm(probes.vectors_QD, axis=1)
    return [(wells, float(norm)) for wells, norm in zip(probes.wells_Q, norms, strict=True)]


def _squared_norms(
    rows_PD: Rows, drawn_Nn: npt.NDArray[np.int64], a_n: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Give |sum of drawn rows|^2 from the pool's products with itself, a well at a time."""
    gram_PP = rows_PD @ rows_PD.T
    squared = np.zeros(len(drawn_Nn), np.float32)
    for i in range(drawn_Nn.shape[1]):
        products = gram_PP[drawn_Nn[:, i : i + 1], drawn_Nn[:, i:]]
        factors = 2 * a_n[i] * a_n[i:]
        factors[0] = a_n[i] ** 2
        squared += products @ factors
    return squared
