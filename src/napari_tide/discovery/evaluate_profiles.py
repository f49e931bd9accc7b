"""Every evaluation of a profile table, from the table to a report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from napari_tide.discovery import evaluation_rows
from napari_tide.discovery.compound_index import CompoundIndex, index_compounds
from napari_tide.discovery.drug_gene_profiles import N_SEEDS, drug_gene_map, evaluate_drug_genes
from napari_tide.discovery.drug_gene_tables import (
    TruthReading,
    read_drug_gene_truth,
    truth_from_profiles,
)
from napari_tide.discovery.evaluation_report import EvaluationReport
from napari_tide.discovery.gene_relations import GenePairs, read_gene_relations, relations_recall
from napari_tide.discovery.interventions import (
    INTERVENTION,
    Apart,
    Names,
    intervention_names,
    places_of,
    sides_of,
    treatment_names,
    usable_profiles,
)
from napari_tide.discovery.knn_recognition import N_FOLDS, knn_recognition
from napari_tide.discovery.knn_recognition import SIDES as KNN_SIDES
from napari_tide.discovery.label_retrieval import same_label_retrieval
from napari_tide.discovery.one_shot import N_RUNS, OneShotTask, one_shot
from napari_tide.discovery.one_shot import SIDES as ONE_SHOT_SIDES
from napari_tide.discovery.replicate_retrieval import NULL_SIZE, Against, replicate_retrieval
from napari_tide.errors import EvaluationValueError
from napari_tide.profiles.aggregate import aggregate_by
from napari_tide.profiles.profiles import Profiles
from napari_tide.students.bundle_config import Drug

_MOST_NAMED = 5


def report_one_shot(
    profiles: Profiles,
    *,
    by: str = INTERVENTION,
    apart: Apart = "well",
    n_runs: int = N_RUNS,
    seed: int = 0,
    seen: Collection[Drug] | None = None,
    classes: Collection[str] | None = None,
    split: str = "",
    progress: Callable[[int], None] | None = None,
) -> EvaluationReport:
    """Evaluate one-shot recognition.

    Parameters
    ----------
    seen
        Drugs the student trained on, which are left out; None where that is not known.
    classes
        The only interventions to recognise, where given.
    split
        A metadata column with ``support`` and ``query``, in place of drawn splits.
    """
    usable, notes = usable_profiles(profiles)
    names = intervention_names(usable, by=by)
    if seen is None:
        notes.append("classes are taken as unseen in training; --student leaves out those that are")
    else:
        names = _without_seen(names, index_compounds(usable), seen, notes)
    if classes is not None:
        names = _only(names, classes, notes)
    task = OneShotTask(
        usable.features,
        names,
        usable.is_control,
        places_of(usable, apart="well"),
        places_of(usable, apart="plate"),
        sides_of(usable, split, sides=ONE_SHOT_SIDES) if split else None,
    )
    scores = one_shot(task, apart=apart, n_runs=n_runs, seed=seed, report=progress)
    if scores.left_out:
        first = ", ".join(scores.left_out[:_MOST_NAMED])
        notes.append(
            f"{len(scores.left_out)} interventions left out: in one {apart} only ({first})"
        )
    settings: dict[str, str | int | float] = {
        "level": usable.level,
        "classes": len(scores.classes),
        "apart": apart,
        "runs": scores.n_runs,
        "queries": scores.n_queries,
        "seed": seed,
    }
    return EvaluationReport("one-shot", settings, evaluation_rows.one_shot_rows(scores), notes)


def report_drug_gene(
    profiles: Profiles,
    *,
    truth: Path | None = None,
    affinity_column: str = "",
    n_seeds: int = N_SEEDS,
) -> EvaluationReport:
    """Evaluate whether compounds look like knock-outs of their targets."""
    if n_seeds < 1:
        message = f"{n_seeds} draws of genes are none; give --seeds 1 or more"
        raise EvaluationValueError(message)
    usable, notes = usable_profiles(profiles)
    reading = read_truth(usable, truth, affinity_column=affinity_column)
    treatments = drug_gene_map(usable)
    scores = evaluate_drug_genes(treatments, reading.truth, n_seeds=n_seeds)
    lines = sorted({*usable.column("Metadata_Cell_Line")} - {""})
    if len(lines) > 1:
        notes.append(f"cell lines are averaged: {', '.join(lines)}")
    settings: dict[str, str | int | float] = {
        "truth": reading.truth.source,
        "compounds": len(next(iter(scores.values())).compounds),
        "genes": len(treatments.genes),
        "annotated genes": len(reading.truth.genes & set(treatments.genes)),
        "seeds": n_seeds,
    }
    rows = evaluation_rows.drug_gene_rows(scores)
    return EvaluationReport("drug-gene", settings, rows, [*notes, *reading.notes])


def report_knn(
    profiles: Profiles,
    *,
    by: str = INTERVENTION,
    apart: Apart = "well",
    n_folds: int = N_FOLDS,
    seed: int = 0,
    split: str = "",
) -> EvaluationReport:
    """Evaluate recognition by nearest neighbours in other wells or plates."""
    if n_folds < 2:
        message = f"{n_folds} folds cannot be told apart; give --folds 2 or more"
        raise EvaluationValueError(message)
    usable, notes = usable_profiles(profiles)
    scores = knn_recognition(
        usable.features,
        intervention_names(usable, by=by),
        places_N=places_of(usable, apart=apart),
        apart=apart,
        sides_N=sides_of(usable, split, sides=KNN_SIDES) if split else None,
        n_folds=n_folds,
        seed=seed,
    )
    settings: dict[str, str | int | float] = {
        "level": usable.level,
        "rows": scores.n_rows,
        "interventions": scores.n_classes,
        "apart": apart,
        "folds": scores.n_folds,
        "seed": seed,
    }
    return EvaluationReport("knn", settings, evaluation_rows.knn_rows(scores), notes)


def report_replicates(
    profiles: Profiles,
    *,
    by: str = "",
    against: Against = "controls",
    different: Sequence[str] = (),
    same: Sequence[str] = (),
    truth: Path | None = None,
    null_size: int = NULL_SIZE,
    seed: int = 0,
) -> EvaluationReport:
    """Evaluate whether replicates, and compounds of one mechanism or target, lie together.

    Parameters
    ----------
    same
        Metadata columns, such as ``Metadata_moa``: compounds that agree in one should be close.
    truth
        A table of targets: compounds that share one should be close.
    """
    usable, notes = usable_profiles(profiles)
    names = intervention_names(usable, by=by) if by else treatment_names(usable)
    scores = replicate_retrieval(
        usable, names, against=against, different=different, null_size=null_size, seed=seed
    )
    rows = [evaluation_rows.replicate_row(scores)]
    compounds = _one_row_each(usable) if same or truth else usable
    for column in same:
        labels = intervention_names(compounds, by=column)
        found = same_label_retrieval(compounds.features, list(labels), seed=seed)
        rows.append(evaluation_rows.retrieval_row(f"compounds with one {column}", found))
    if truth is not None:
        reading = read_truth(usable, truth)
        notes += reading.notes
        targets = [reading.truth.targets_of(name) for name in compounds.column("Metadata_Compound")]
        found = same_label_retrieval(compounds.features, targets, seed=seed)
        rows.append(evaluation_rows.retrieval_row("compounds that share a target", found))
    rows.append({**dict.fromkeys(rows[0], None), "what": "chance", "AUC": 0.5})
    rows[-1]["mAP"] = scores.chance_ap
    notes.append("mAP by copairs; p from labels that change places; see docs/evaluation.md")
    settings: dict[str, str | int | float] = {
        "level": usable.level,
        "rows": len(usable),
        "against": against,
        "must differ in": ", ".join(different) or "nothing",
        "null": null_size,
        "seed": seed,
    }
    return EvaluationReport("replicates", settings, rows, notes)


def report_relations(profiles: Profiles, relations: Sequence[Path]) -> EvaluationReport:
    """Evaluate whether related genes have similar or opposite knock-outs."""
    usable, notes = usable_profiles(profiles)
    treatments = drug_gene_map(usable, needs_compounds=False)
    pairs = GenePairs.of(treatments.genes_GD, treatments.genes)
    rows = []
    for path in relations:
        source = path.name.split(".")[0]
        found = relations_recall(pairs, read_gene_relations(path), source=source)
        rows.append(evaluation_rows.relation_row(found))
    settings: dict[str, str | int | float] = {"genes": len(treatments.genes), "tails": "5 and 95 %"}
    chance = {**dict.fromkeys(rows[0], None), "relations": "random", "recall": pairs.chance}
    return EvaluationReport("relations", settings, [*rows, chance], notes)


def read_truth(
    profiles: Profiles, truth: Path | None, *, affinity_column: str = ""
) -> TruthReading:
    """Read a truth table for the profiles' compounds, or take the targets they list themselves."""
    index = index_compounds(profiles)
    if truth is None:
        return truth_from_profiles(profiles, index)
    return read_drug_gene_truth(truth, index, affinity_column=affinity_column)


def _one_row_each(profiles: Profiles) -> Profiles:
    """Average every compound over its doses, plates and wells."""
    is_compound = (profiles.column("Metadata_Compound") != "").to_numpy() & ~profiles.is_control
    if not is_compound.any():
        message = "the profiles name no compounds (Metadata_Compound) to compare by --same, --truth"
        raise EvaluationValueError(message)
    return aggregate_by(profiles.take(is_compound), ["Metadata_Compound"])


def _without_seen(
    names: Names, index: CompoundIndex, seen: Collection[Drug], notes: list[str]
) -> Names:
    from napari_tide.chem.inchikeys import inchikey_or_blank

    trained = {index.find(drug.name, inchikey_or_blank(drug.smiles)) for drug in seen} - {""}
    here = trained & set(names)
    notes.append(f"{len(here)} interventions left out: the student trained on them")
    return np.where(np.isin(names.astype(str), sorted(here)), "", names)


def _only(names: Names, classes: Collection[str], notes: list[str]) -> Names:
    missing = sorted(set(classes) - set(names))
    if missing:
        first = ", ".join(missing[:_MOST_NAMED])
        notes.append(f"{len(missing)} of {len(classes)} wanted classes are not there ({first})")
    return np.where(np.isin(names.astype(str), sorted(classes)), names, "")
