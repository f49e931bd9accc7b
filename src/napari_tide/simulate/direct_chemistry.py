"""Direct chemical effects: what a structure does to cells beside its mechanism.

Four axes are a fixed nonlinear function of the fingerprint, the same for every compound of a world.
Knock-outs have no structure, so they have none of this.

Shape legend: D drugs, F fingerprint bits, H hidden units, A axes, N treatments.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.drugs import hill
from napari_tide.simulate.streams import stream

N_AXES = 4
N_HIDDEN = 32
EC50_UM = 3.0
EC50_SPREAD = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class DirectChemistry:
    """Each drug's place on the off-target axes, and the dose at which it shows."""

    axes_DA: npt.NDArray[np.float64]
    ec50_um_D: npt.NDArray[np.float64]
    slope_D: npt.NDArray[np.float64]

    def effect(
        self, drug_N: npt.NDArray[np.int64], dose_um_N: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Give each treatment's off-target effect (N x A); drug -1 has none."""
        effect_NA = np.zeros((len(drug_N), N_AXES))
        rows = np.flatnonzero(drug_N >= 0)
        drug = drug_N[rows]
        reached = hill(dose_um_N[rows], self.ec50_um_D[drug], self.slope_D[drug])
        effect_NA[rows] = self.axes_DA[drug] * reached[:, None]
        return effect_NA


def draw_direct_chemistry(
    seed: int, bits_DF: npt.NDArray[np.float64], *, strength: float
) -> DirectChemistry:
    """Draw the function of the fingerprint and apply it; `strength` scales the axes."""
    random = stream(seed, "direct chemistry", "function")
    into_FH = random.standard_normal((bits_DF.shape[1], N_HIDDEN))
    out_HA = random.standard_normal((N_HIDDEN, N_AXES))
    drive_DH = (bits_DF @ into_FH) / np.sqrt(bits_DF.sum(axis=1, keepdims=True))
    axes_DA = np.tanh(drive_DH - drive_DH.mean(axis=0)) @ out_HA
    axes_DA = (axes_DA - axes_DA.mean(axis=0)) / axes_DA.std(axis=0)
    potency = stream(seed, "direct chemistry", "potency")
    return DirectChemistry(
        axes_DA=strength * axes_DA,
        ec50_um_D=EC50_UM * potency.lognormal(0.0, EC50_SPREAD, len(bits_DF)),
        slope_D=potency.uniform(0.9, 1.8, len(bits_DF)),
    )
