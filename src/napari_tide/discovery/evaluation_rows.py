"""The rows an evaluation's table has: results first, then what chance would give."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from napari_tide.discovery.bootstrap import interval_of_mean
from napari_tide.discovery.drug_gene_benchmark import (
    HITS_AT,
    DoseScores,
    DrugGeneScores,
    Similarity,
)
from napari_tide.discovery.evaluation_report import Value
from napari_tide.discovery.gene_relations import RelationRecall
from napari_tide.discovery.knn_recognition import KnnScores
from napari_tide.discovery.label_retrieval import RetrievalScore
from napari_tide.discovery.one_shot import OneShotScores
from napari_tide.discovery.replicate_retrieval import ReplicateScores

Row = dict[str, Value]


def one_shot_rows(scores: OneShotScores) -> list[Row]:
    """Give a row per protocol, then chance."""
    guesses = sorted({k for _, k in scores.accuracy})
    rows: list[Row] = []
    for protocol in dict.fromkeys(name for name, _ in scores.accuracy):
        row: Row = {"method": protocol}
        for k in guesses:
            found = scores.accuracy[protocol, k]
            row[f"top-{k}"] = found.share
            row[f"top-{k} 95 % over runs"] = found.over_runs
            row[f"top-{k} 95 % over classes, then runs"] = found.over_classes
        rows.append(row)
    chance: Row = dict.fromkeys(rows[0], None)
    chance |= {"method": f"chance (1 of {len(scores.classes)})"}
    return [*rows, chance | {f"top-{k}": scores.chance[k] for k in guesses}]


def drug_gene_rows(by_similarity: Mapping[Similarity, DrugGeneScores]) -> list[Row]:
    """Give a row per similarity and dose, with the mean over doses and the best, then random."""
    rows: list[Row] = []
    for similarity, scores in by_similarity.items():
        chance = scores.chance.ap
        named = {_dose_name(dose): found for dose, found in scores.doses.items()}
        named |= {"mean over doses": scores.mean, "max over doses": scores.best}
        for dose, found in named.items():
            rows.append(_drug_gene_row(similarity, dose, found, chance))
    chance_scores = next(iter(by_similarity.values())).chance
    return [*rows, _drug_gene_row("random", "any", chance_scores, chance_scores.ap)]


def knn_rows(scores: KnnScores) -> list[Row]:
    """Give k-NN, then chance and the most frequent intervention."""
    rows: list[Row] = [{"method": "k-NN"}]
    for k, share in scores.share.items():
        rows[0] |= {f"top-{k}": share, f"top-{k} 95 % over interventions": scores.interval[k]}
    for name, baseline in (
        (f"chance (1 of {scores.n_classes})", scores.chance),
        ("always the most frequent", scores.commonest),
    ):
        row: Row = dict.fromkeys(rows[0], None)
        rows.append(row | {"method": name} | {f"top-{k}": share for k, share in baseline.items()})
    return rows


def replicate_row(scores: ReplicateScores) -> Row:
    """Give how replicates find each other."""
    return {
        "what": f"replicates among {scores.against}",
        "n": len(scores.treatments),
        "mAP": scores.mean_ap,
        "mAP 95 %": scores.interval,
        "random mAP": scores.chance_ap,
        "share with q < .05": scores.share_significant,
        "AUC": None,
        "AUC 95 %": None,
    }


def retrieval_row(what: str, scores: RetrievalScore) -> Row:
    """Give how rows with a common label find each other."""
    return {
        "what": what,
        "n": scores.n_queries,
        "mAP": scores.ap,
        "mAP 95 %": scores.ap_interval,
        "random mAP": scores.chance_ap,
        "share with q < .05": None,
        "AUC": scores.auc,
        "AUC 95 %": scores.auc_interval,
    }


def relation_row(recall: RelationRecall) -> Row:
    """Give how many known relations lie in the tails."""
    return {
        "relations": recall.source,
        "pairs": recall.n_relations,
        "genes": recall.n_genes,
        "recall": recall.recall,
        "95 % over relations": recall.interval,
        "random recall": recall.chance,
    }


def _drug_gene_row(similarity: str, dose: str, scores: DoseScores, chance_ap: np.ndarray) -> Row:
    is_imaged = np.isfinite(scores.ap)
    row: Row = {
        "similarity": similarity,
        "dose": dose,
        "compounds": scores.n_compounds,
        "AP": _mean(scores.ap),
        "AP 95 % over compounds": interval_of_mean(scores.ap, over="compounds"),
        "random AP": _mean(chance_ap[is_imaged]),
        "AUC": _mean(scores.auc),
        "AUC 95 % over compounds": interval_of_mean(scores.auc, over="compounds"),
    }
    if similarity == "random":
        row |= {"AP 95 % over compounds": None, "AUC 95 % over compounds": None}
    return row | {f"Hit@{k}": _mean(scores.hits[k]) for k in HITS_AT}


def _dose_name(dose: float) -> str:
    return "not given" if math.isnan(dose) else f"{dose:g} µM"


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan
