"""The drug-gene benchmark on a profile table: one embedding per compound and dose, one per gene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.drug_gene_benchmark import (
    SIMILARITIES,
    DrugGeneScores,
    Similarity,
    score_drug_genes,
)
from napari_tide.discovery.drug_gene_truth import DrugGeneTruth
from napari_tide.discovery.gene_pools import draw_pools
from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.errors import EvaluationValueError
from napari_tide.profiles.aggregate import aggregate_by
from napari_tide.profiles.profiles import Profiles

N_SEEDS = 100


@dataclass(frozen=True, slots=True, eq=False)
class DrugGeneMap:
    """Embeddings of compounds at their doses, and of knocked-out genes.

    Parameters
    ----------
    compound_rows
        For every compound its rows by dose in µM (NaN where none is known).
    """

    compound_rows: Mapping[str, Mapping[float, int]]
    compounds_RD: npt.NDArray[np.float64]
    genes: tuple[str, ...]
    genes_GD: npt.NDArray[np.float64]

    def cosines(self) -> npt.NDArray[np.float64]:
        """Give the cosine of every treatment with every gene."""
        product: npt.NDArray[np.float64] = self.compounds_RD @ self.genes_GD.T
        return product


def drug_gene_map(profiles: Profiles, *, needs_compounds: bool = True) -> DrugGeneMap:
    """Average profiles of any level to treatments, and part compounds from knocked-out genes.

    Raises
    ------
    EvaluationValueError
        There are no genes, or no compounds where they are needed.
    """
    compound = profiles.column("Metadata_Compound").to_numpy(dtype=object)
    gene = profiles.column("Metadata_Gene").to_numpy(dtype=object)
    is_drug = (compound != "") & ~profiles.is_control
    is_gene = (compound == "") & (gene != "") & ~profiles.is_control
    if not is_gene.any() or (needs_compounds and not is_drug.any()):
        message = (
            f"the profiles hold {int(is_drug.sum())} rows of compounds and {int(is_gene.sum())} of "
            "knocked-out genes; put both in one table, named in Metadata_Compound and Metadata_Gene"
        )
        raise EvaluationValueError(message)
    genes = aggregate_by(profiles.take(is_gene), ["Metadata_Gene"])
    drugs = profiles.take(is_drug)
    if is_drug.any():
        keys = ["Metadata_Compound", "Metadata_Dose_uM"]
        drugs = aggregate_by(drugs, [key for key in keys if key in drugs.metadata.columns])
    return DrugGeneMap(
        compound_rows=_rows_by_dose(drugs),
        compounds_RD=unit_rows(drugs.features),
        genes=tuple(genes.column("Metadata_Gene")),
        genes_GD=unit_rows(genes.features),
    )


def evaluate_drug_genes(
    treatments: DrugGeneMap,
    truth: DrugGeneTruth,
    *,
    n_seeds: int = N_SEEDS,
    similarities: Sequence[Similarity] = SIMILARITIES,
) -> dict[Similarity, DrugGeneScores]:
    """Score every compound that has a knocked-out target, under each similarity.

    Raises
    ------
    EvaluationValueError
        No compound of the screen has a target among the screen's genes.
    """
    pools = draw_pools(
        truth,
        compounds=list(treatments.compound_rows),
        genes=treatments.genes,
        n_seeds=n_seeds,
    )
    if not pools:
        n_known = len(set(treatments.compound_rows) & set(truth.positives))
        message = (
            f"no compound has a target that was knocked out: of {len(treatments.compound_rows)} "
            f"compounds the truth {truth.source or 'table'} names {n_known}, and of "
            f"{len(treatments.genes)} genes {len(truth.genes & set(treatments.genes))}; check that "
            "names are spelled alike"
        )
        raise EvaluationValueError(message)
    cosine_RG = treatments.cosines()
    return {
        similarity: score_drug_genes(
            treatments.compound_rows, cosine_RG, pools=pools, similarity=similarity
        )
        for similarity in similarities
    }


def _rows_by_dose(drugs: Profiles) -> dict[str, dict[float, int]]:
    doses = np.full(len(drugs), np.nan)
    if "Metadata_Dose_uM" in drugs.metadata.columns:
        given = pd.to_numeric(drugs.metadata["Metadata_Dose_uM"], errors="coerce")
        doses = given.to_numpy(dtype=np.float64, na_value=np.nan)
    rows: dict[str, dict[float, int]] = {}
    for row, (name, dose) in enumerate(zip(drugs.column("Metadata_Compound"), doses, strict=True)):
        rows.setdefault(name, {})[float(dose)] = row
    return rows
