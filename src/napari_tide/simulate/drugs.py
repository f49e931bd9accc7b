"""Drugs and their targets: how strongly each target is hit, and at which dose.

Shape legend: E drug-target pairs (edges), D drugs, N treatments, G genes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.facts import Compound
from napari_tide.simulate.streams import stream

PANEL_EC50_UM = 0.8
OTHER_EC50_UM = 3.0
EC50_SPREAD = 0.6
TOXIC_EC50_UM = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class DrugMap:
    """Every drug's targets, and its general toxicity.

    Parameters
    ----------
    drug_E, gene_E
        The pair: index of the drug and of the gene.
    is_panel_E
        The gene is among the knock-outs; such targets are hit strongly.
    weight_E, ec50_um_E, slope_E
        Hill curve of target engagement.
    toxicity_D, toxic_ec50_um_D
        Stress that comes with the dose, whatever the target.
    """

    drug_E: npt.NDArray[np.int64]
    gene_E: npt.NDArray[np.int64]
    is_panel_E: npt.NDArray[np.bool_]
    weight_E: npt.NDArray[np.float64]
    ec50_um_E: npt.NDArray[np.float64]
    slope_E: npt.NDArray[np.float64]
    toxicity_D: npt.NDArray[np.float64]
    toxic_ec50_um_D: npt.NDArray[np.float64]

    def engagement(
        self,
        drug_N: npt.NDArray[np.int64],
        dose_um_N: npt.NDArray[np.float64],
        *,
        n_genes: int,
    ) -> npt.NDArray[np.float64]:
        """Say how far each gene is inhibited in each treatment (N x G); drug -1 inhibits none."""
        engaged_NG = np.zeros((len(drug_N), n_genes))
        for drug in np.unique(drug_N[drug_N >= 0]):
            edges = np.flatnonzero(self.drug_E == drug)
            rows = np.flatnonzero(drug_N == drug)
            bound = hill(dose_um_N[rows, None], self.ec50_um_E[edges], self.slope_E[edges])
            engaged_NG[rows[:, None], self.gene_E[edges]] = self.weight_E[edges] * bound
        return engaged_NG

    def toxicity(
        self, drug_N: npt.NDArray[np.int64], dose_um_N: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """Say how stressed cells are by each treatment's dose; drug -1 is harmless."""
        stress_N = np.zeros(len(drug_N))
        rows = np.flatnonzero(drug_N >= 0)
        drug = drug_N[rows]
        reached = hill(dose_um_N[rows], self.toxic_ec50_um_D[drug], np.full(len(rows), 1.5))
        stress_N[rows] = self.toxicity_D[drug] * reached
        return stress_N


def hill(
    dose_um: npt.NDArray[np.float64],
    ec50_um: npt.NDArray[np.float64],
    slope: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Give the share bound at a dose: one half at the EC50."""
    reached: npt.NDArray[np.float64] = dose_um**slope / (dose_um**slope + ec50_um**slope)
    return reached


def draw_drugs(
    seed: int,
    compounds: Sequence[Compound],
    *,
    genes: Sequence[str],
    panel: Sequence[str],
) -> DrugMap:
    """Draw potencies: strong and near 0.8 uM on panel targets, weak on the other listed ones."""
    index = {gene: number for number, gene in enumerate(genes)}
    pairs = [(d, index[gene]) for d, compound in enumerate(compounds) for gene in compound.targets]
    drug_E, gene_E = np.array(pairs, dtype=np.int64).T
    is_panel_E = np.isin(np.array(genes)[gene_E], panel)
    n_pairs, n_drugs = len(pairs), len(compounds)
    random = stream(seed, "drugs", "targets")
    strong, weak = random.uniform(0.8, 1.1, n_pairs), random.uniform(0.05, 0.25, n_pairs)
    median_um_E = np.where(is_panel_E, PANEL_EC50_UM, OTHER_EC50_UM)
    toxic = stream(seed, "drugs", "toxicity")
    return DrugMap(
        drug_E=drug_E,
        gene_E=gene_E,
        is_panel_E=is_panel_E,
        weight_E=np.where(is_panel_E, strong, weak),
        ec50_um_E=median_um_E * random.lognormal(0.0, EC50_SPREAD, n_pairs),
        slope_E=random.uniform(0.9, 1.8, n_pairs),
        toxicity_D=toxic.exponential(0.6, n_drugs),
        toxic_ec50_um_D=TOXIC_EC50_UM * toxic.lognormal(0.0, 0.5, n_drugs),
    )
