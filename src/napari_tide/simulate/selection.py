"""Which drugs and genes of a world are imaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_tide.errors import SimulationValueError
from napari_tide.simulate import facts
from napari_tide.simulate.presets import Design
from napari_tide.simulate.streams import stream
from napari_tide.simulate.world import World

LINKED_SHARE = 2 / 3


@dataclass(frozen=True, slots=True)
class Selection:
    """Indices of the imaged drugs and knocked-out genes, in the world's order."""

    drugs: tuple[int, ...]
    genes: tuple[int, ...]


def select(world: World, design: Design) -> Selection:
    """Choose drugs and genes by rule, never by effect.

    Where only part of the world is imaged, two thirds of the drugs are drawn so that their panel
    targets fit among the knock-outs; the remaining drugs and genes are drawn freely.
    """
    index = {gene: number for number, gene in enumerate(world.genes.names)}
    panel = [index[gene] for gene in world.panel]
    every_drug = list(range(len(world.compounds)))
    n_drugs = len(every_drug) if design.n_compounds is None else design.n_compounds
    n_genes = len(panel) if design.n_genes is None else design.n_genes
    if n_drugs >= len(every_drug) and n_genes >= len(panel):
        return Selection(tuple(every_drug), tuple(panel))
    random = stream(world.seed, "selection")
    names = [compound.name for compound in world.compounds]
    free = [drug for drug in every_drug if names[drug] not in facts.POSITIVE_CONTROLS]
    order = [int(drug) for drug in random.permutation(free)]
    drugs, genes = _linked(world, order, n_drugs=round(n_drugs * LINKED_SHARE), n_genes=n_genes)
    drugs += [drug for drug in order if drug not in drugs][: n_drugs - len(drugs)]
    rest = [int(gene) for gene in random.permutation(panel) if gene not in genes]
    genes += rest[: n_genes - len(genes)]
    return Selection(tuple(sorted(drugs)), tuple(sorted(genes)))


def drugs_with_rna(world: World, drugs: Sequence[int], coverage: float) -> tuple[int, ...]:
    """Choose the training drugs that have expression; a larger share contains a smaller one.

    Raises
    ------
    SimulationValueError
        The share is not between 0 and 1.
    """
    if not 0 <= coverage <= 1:
        message = f"--rna-coverage is {coverage}; expected a share between 0 and 1, such as 0.3"
        raise SimulationValueError(message)
    training = [int(drug) for drug in world.rna_order_D if drug in {*drugs}]
    return tuple(sorted(training[: int(coverage * len(training) + 0.5)]))


def _linked(
    world: World, order: Sequence[int], *, n_drugs: int, n_genes: int
) -> tuple[list[int], list[int]]:
    drugs: list[int] = []
    genes: list[int] = []
    for drug in order:
        hit = world.drugs.gene_E[(world.drugs.drug_E == drug) & world.drugs.is_panel_E]
        new = [int(gene) for gene in np.unique(hit) if gene not in genes]
        if len(drugs) < n_drugs and len(hit) and len(genes) + len(new) <= n_genes:
            drugs.append(drug)
            genes += new
    return drugs, genes
