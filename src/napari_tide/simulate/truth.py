"""The truth behind a screen: which drugs hit which genes, and what that does to pathways."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_tide.simulate.cell_lines import CELL_LINES
from napari_tide.simulate.pathways import N_PATHWAYS
from napari_tide.simulate.selection import Selection
from napari_tide.simulate.treatments import Treatments, dose_series, joined, knock_outs
from napari_tide.simulate.world import World


def drug_gene_truth(world: World, selection: Selection) -> pd.DataFrame:
    """List every imaged drug with each imaged knock-out and each of its own targets.

    ``strength`` is the share of the gene's activity the drug takes away at saturation (0 where it
    does not bind), ``same_pathway`` tells whether one of the drug's panel targets lies in the
    gene's pathway.
    """
    drugs = world.drugs
    rows = []
    for drug in selection.drugs:
        edges = {int(drugs.gene_E[e]): int(e) for e in np.flatnonzero(drugs.drug_E == drug)}
        hit = {int(world.genes.pathway_G[g]) for g, e in edges.items() if drugs.is_panel_E[e]}
        for gene in sorted({*selection.genes, *edges}):
            edge = edges.get(gene)
            rows.append(
                {
                    "compound": world.compounds[drug].name,
                    "gene": world.genes.names[gene],
                    "is_target": edge is not None,
                    "is_panel_target": edge is not None and bool(drugs.is_panel_E[edge]),
                    "is_knocked_out": gene in selection.genes,
                    "same_pathway": int(world.genes.pathway_G[gene]) in hit,
                    "strength": 0.0 if edge is None else drugs.weight_E[edge],
                    "ec50_um": np.nan if edge is None else drugs.ec50_um_E[edge],
                    "hill_slope": np.nan if edge is None else drugs.slope_E[edge],
                    "held_out": bool(world.is_held_out_D[drug]),
                }
            )
    return pd.DataFrame(rows)


def pathway_truth(
    world: World, selection: Selection, *, doses_um: Sequence[float], lines: Sequence[str]
) -> pd.DataFrame:
    """Give the pathway activity of every imaged drug, dose, knock-out and line."""
    line = [CELL_LINES.index(name) for name in lines]
    treatments = joined(
        [dose_series(selection.drugs, doses_um, line), knock_outs(selection.genes, line)]
    )
    response = world.respond(treatments)
    columns = [f"activity_{number:02d}" for number in range(N_PATHWAYS)]
    activity = pd.DataFrame(response.pathways_NP, columns=columns)
    return pd.concat([_named(world, treatments), activity], axis=1)


def drug_truth(world: World, selection: Selection, *, with_rna: Sequence[int]) -> pd.DataFrame:
    """List the imaged drugs: held out of training or not, measured by expression or not."""
    return pd.DataFrame(
        {
            "compound": [world.compounds[drug].name for drug in selection.drugs],
            "smiles": [world.compounds[drug].smiles for drug in selection.drugs],
            "held_out": [bool(world.is_held_out_D[drug]) for drug in selection.drugs],
            "has_rna": [drug in with_rna for drug in selection.drugs],
        }
    )


def _named(world: World, treatments: Treatments) -> pd.DataFrame:
    is_drug = treatments.drug_N >= 0
    names = [
        world.compounds[drug].name if drug >= 0 else world.genes.names[gene]
        for drug, gene in zip(treatments.drug_N, treatments.gene_N, strict=True)
    ]
    own = np.where(is_drug, -1, world.genes.pathway_G[treatments.gene_N])
    return pd.DataFrame(
        {
            "perturbation_type": np.where(is_drug, "compound", "crispr"),
            "name": names,
            "own_pathway": pd.Series(own, dtype="Int64").where(~is_drug),
            "dose_um": treatments.dose_um_N,
            "cell_line": [CELL_LINES[line] for line in treatments.line_N],
        }
    )
