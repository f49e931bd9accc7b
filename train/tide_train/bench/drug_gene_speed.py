"""The drug-gene benchmark against a plain loop over scikit-learn, and at its full size."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import (  # type: ignore[import-untyped, unused-ignore]
    average_precision_score,
    roc_auc_score,
)
from sklearn.metrics.pairwise import (  # type: ignore[import-untyped, unused-ignore]
    cosine_similarity,
)

from napari_tide.discovery.drug_gene_benchmark import score_drug_genes
from napari_tide.discovery.drug_gene_truth import DrugGeneTruth
from napari_tide.discovery.gene_pools import draw_pools
from napari_tide.discovery.label_retrieval import unit_rows
from tide_train.bench.speed_row import SpeedRow, TimeRow, compare_speed, time_work

N_FEATURES = 384
FULL_GOAL_S = 2.0
PEER_GOAL = 0.1  # ten times as fast


class DrugGeneWork:
    """One random benchmark: every drug at every dose, one to seven targets a drug."""

    def __init__(self, *, n_drugs: int, n_doses: int, n_genes: int, n_seeds: int) -> None:
        random = np.random.default_rng(0)
        self.n_seeds = n_seeds
        self.genes = [f"G{number:04d}" for number in range(n_genes)]
        self.positives = {
            f"D{number:04d}": frozenset(
                str(gene)
                for gene in random.choice(self.genes, random.integers(1, 8), replace=False)
            )
            for number in range(n_drugs)
        }
        self.rows = {
            drug: {float(dose): number * n_doses + dose for dose in range(n_doses)}
            for number, drug in enumerate(self.positives)
        }
        self.drugs_RD = random.standard_normal((n_drugs * n_doses, N_FEATURES), np.float32)
        self.genes_GD = random.standard_normal((n_genes, N_FEATURES), np.float32)

    def score(self) -> float:
        """Score from embeddings to the mean average precision over doses."""
        truth = DrugGeneTruth(self.positives, {}, frozenset(self.genes))
        pools = draw_pools(truth, compounds=list(self.rows), genes=self.genes, n_seeds=self.n_seeds)
        cosine_RG = unit_rows(self.drugs_RD) @ unit_rows(self.genes_GD).T
        return float(score_drug_genes(self.rows, cosine_RG, pools=pools).mean.ap.mean())

    def score_by_loop(self) -> float:
        """Score the same with pandas and scikit-learn, a ranking at a time, as scripts do."""
        cosine = pd.DataFrame(
            np.abs(cosine_similarity(self.drugs_RD, self.genes_GD)), columns=self.genes
        )
        results = []
        for seed in range(self.n_seeds):
            random = np.random.default_rng(seed)
            for drug, doses in self.rows.items():
                targets = sorted(self.positives[drug])
                others = [gene for gene in self.genes if gene not in self.positives[drug]]
                n_drawn = max(2 * len(targets), 20)
                sampled = targets + list(random.choice(others, n_drawn, replace=False))
                labels = np.arange(len(sampled)) < len(targets)
                similar = cosine.loc[list(doses.values()), sampled]
                for scores in [*similar.to_numpy(), similar.max(axis=0).to_numpy()]:
                    ap = average_precision_score(labels, scores)
                    results.append((drug, seed, ap, roc_auc_score(labels, scores)))
        table = pd.DataFrame(results, columns=["drug", "seed", "ap", "auc"])
        return float(table.groupby("drug")["ap"].mean().mean())


def time_drug_gene(*, n_rounds: int = 3) -> list[SpeedRow | TimeRow]:
    """Time the full benchmark, and a small one in turns with the plain loop."""
    full = DrugGeneWork(n_drugs=1662, n_doses=8, n_genes=736, n_seeds=100)
    small = DrugGeneWork(n_drugs=40, n_doses=8, n_genes=736, n_seeds=5)
    return [
        time_work(
            full.score,
            what="drug against gene, 1,662 drugs x 8 doses x 736 genes, 100 seeds",
            goal_s=FULL_GOAL_S,
            n_rounds=n_rounds,
        ),
        compare_speed(
            small.score,
            small.score_by_loop,
            what="drug against gene, 40 drugs x 8 doses x 736 genes, 5 seeds",
            peer_name="a loop over average_precision_score and roc_auc_score of scikit-learn",
            goal=PEER_GOAL,
            n_rounds=n_rounds,
        ),
    ]
