"""The tasks every method is judged by, and their scores by name.

Task 1: recognise an intervention nobody trained on from one well, among knock-outs and among
held-out drugs, a cell line at a time. Task 2: does a drug look like the knock-out of its target?
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.drug_gene_benchmark import DrugGeneScores
from napari_tide.discovery.drug_gene_profiles import drug_gene_map, evaluate_drug_genes
from napari_tide.discovery.interventions import intervention_names, places_of
from napari_tide.discovery.one_shot import OneShotTask, one_shot
from napari_tide.profiles.profiles import Profiles
from tide_train.bench.tables.worlds import World

Scores = dict[str, float]
N_RUNS = 50
Mask = npt.NDArray[np.bool_]


def score_tasks(world: World, embedded: Profiles, *, n_runs: int = N_RUNS) -> Scores:
    """Score an embedding of all wells of a world."""
    lines = sorted({*embedded.column("Metadata_Cell_Line")})
    scores = _drug_gene(world, embedded)
    parts: list[Scores] = []
    for line in lines:
        here = embedded.take((embedded.column("Metadata_Cell_Line") == line).to_numpy())
        found = _one_shot(world, here, n_runs) | _drug_gene(world, here, only="abs-cosine")
        scores |= {f"{line}: {name}": value for name, value in found.items()}
        parts.append(found)
    one_shot_names = [name for name in parts[0] if name.startswith("one-shot")]
    for name in one_shot_names:
        scores[name] = float(np.mean([found[name] for found in parts]))
    return scores


def _one_shot(world: World, here: Profiles, n_runs: int) -> Scores:
    held_out = here.column("Metadata_Compound").isin(world.held_out).to_numpy()
    is_gene = (here.column("Metadata_Gene") != "").to_numpy()
    found: Scores = {}
    for what, used in (("knock-outs", is_gene), ("held-out drugs", held_out)):
        scores = one_shot(_task(here, used), n_runs=n_runs, protocols=("prototypes",))
        for k in scores.chance:
            name = f"one-shot {what} top-{k}"
            found[name] = scores.accuracy["prototypes", k].share
            found[f"{name} chance"] = scores.chance[k]
    return found


def _task(profiles: Profiles, used: Mask) -> OneShotTask:
    rows = profiles.take(used & ~profiles.is_control)
    return OneShotTask(
        rows.features,
        intervention_names(rows),
        rows.is_control,
        places_of(rows, apart="well"),
        places_of(rows, apart="plate"),
    )


def _drug_gene(world: World, embedded: Profiles, *, only: str = "") -> Scores:
    """Score drugs against knock-outs: all, and those never trained on, by dose and over doses."""
    found: Scores = {}
    treatments = drug_gene_map(embedded)
    for similarity, scores in evaluate_drug_genes(treatments, world.truth).items():
        if only and similarity != only:
            continue
        prefix = "drug-gene" if similarity == "abs-cosine" else f"drug-gene {similarity}"
        for who, kept in _who(world, scores).items():
            found |= _means(f"{prefix} {who}", scores, kept)
    return found


def _who(world: World, scores: DrugGeneScores) -> Mapping[str, Mask]:
    held_out = np.array([name in world.held_out for name in scores.compounds])
    return {"all": np.ones_like(held_out), "held-out": held_out}


def _means(prefix: str, scores: DrugGeneScores, kept: Mask) -> Scores:
    found = {
        f"{prefix} AP": _mean(scores.mean.ap, kept),
        f"{prefix} AUC": _mean(scores.mean.auc, kept),
        f"{prefix} Hit@5": _mean(scores.mean.hits[5], kept),
        f"{prefix} AP max": _mean(scores.best.ap, kept),
        f"{prefix} AP chance": _mean(scores.chance.ap, kept),
    }
    for dose, there in scores.doses.items():
        found[f"{prefix} AP {dose:g} µM"] = _mean(there.ap, kept)
    return found


def _mean(values: npt.NDArray[np.float64], kept: Mask) -> float:
    return float(np.nanmean(values[kept]))
