"""Genes and their pathways, drawn at random in every world.

Shape legend: G genes, P pathways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.simulate.streams import stream

N_PATHWAYS = 15
STRENGTH_SPREAD = 0.35
N_CROSS_TALK = 3
CROSS_TALK = 0.15
ESSENTIAL_SHARE = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class GeneMap:
    """What inhibiting each gene does.

    Parameters
    ----------
    names
        Gene symbols.
    pathway_G
        Each gene's own pathway.
    inhibition_GP
        Pathway activity (0 = untouched) when a gene is fully inhibited: strong on its own pathway,
        slight on three others.
    essentiality_G
        Stress caused by losing the gene; zero for most.
    knock_out_G
        Efficiency of the gene's knock-out, against full inhibition.
    """

    names: tuple[str, ...]
    pathway_G: npt.NDArray[np.int64]
    inhibition_GP: npt.NDArray[np.float64]
    essentiality_G: npt.NDArray[np.float64]
    knock_out_G: npt.NDArray[np.float64]


def draw_genes(seed: int, names: tuple[str, ...]) -> GeneMap:
    """Draw pathways (equally many genes each, give or take one), strengths and knock-outs."""
    n_genes = len(names)
    own = stream(seed, "pathways", "own").permutation(np.arange(n_genes) % N_PATHWAYS)
    strength = stream(seed, "pathways", "strength").lognormal(0.0, STRENGTH_SPREAD, n_genes)
    random = stream(seed, "pathways", "essentiality")
    essential = random.random(n_genes) < ESSENTIAL_SHARE
    essentiality = np.where(essential, random.uniform(0.3, 1.0, n_genes), 0.0)
    return GeneMap(
        names=names,
        pathway_G=own,
        inhibition_GP=_inhibition(stream(seed, "pathways", "cross-talk"), own, strength),
        essentiality_G=essentiality,
        knock_out_G=stream(seed, "pathways", "knock-out").uniform(0.75, 1.1, n_genes),
    )


def _inhibition(
    random: np.random.Generator,
    own_G: npt.NDArray[np.int64],
    strength_G: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    inhibition_GP = np.zeros((len(own_G), N_PATHWAYS))
    for gene, own in enumerate(own_G):
        others = np.delete(np.arange(N_PATHWAYS), own)
        touched = random.choice(others, N_CROSS_TALK, replace=False)
        inhibition_GP[gene, touched] = CROSS_TALK * random.standard_normal(N_CROSS_TALK)
        inhibition_GP[gene, own] = strength_G[gene]
    return inhibition_GP


def saturate(drive: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Bound a summed drive smoothly to (-1, 1)."""
    return np.tanh(drive)
