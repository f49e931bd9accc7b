"""A trained teacher's RNA side finds the wells of a signature's mechanism on a simulated screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import roc_auc_score

from napari_tide.discovery.codebook_query import placed_among_prototypes
from napari_tide.discovery.probes import Probes
from napari_tide.discovery.signature_query import load_signature_encoder
from napari_tide.discovery.treatments import mean_profiles, treatments_of
from napari_tide.discovery.well_table import well_table
from napari_tide.profiles.profiles import embedding_names
from napari_tide.profiles.store import read_profiles
from napari_tide.simulate.presets import find_preset
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings
from napari_tide.students.bundle import load_bundle
from tide_train.data.expression_inputs import read_expression_inputs


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mechanism") / "world"
    simulate_screen(folder, SimulationSettings(find_preset("mini"), 0, is_features_only=True))
    return folder


@pytest.fixture(scope="module")
def bundle(world, trained):
    out = world.parent / "run"
    trained(
        "tide_features",
        world / "features.parquet",
        out,
        l1000=[world / "l1000.gctx"],
        settings=["n_steps=240"],
    )
    return load_bundle(out / "student")


def placed_wells(bundle, path):
    features = read_profiles(path)
    with torch.inference_mode():
        rows = torch.from_numpy(np.ascontiguousarray(features.features, np.float32))
        pooled = bundle.student(rows).pooled_BD.numpy()
    embeddings = features.with_features(pooled, embedding_names(pooled.shape[1]))
    embeddings = replace(embeddings, student=bundle.id)
    return well_table(embeddings).with_rows(placed_among_prototypes(embeddings, bundle))


def signatures(path):
    """A mean signature of every drug, against untreated cells."""
    inputs = read_expression_inputs([path], min_replicates=1)
    values = pd.DataFrame(inputs.for_teacher(), columns=inputs.genes)
    return values.groupby(inputs.samples["compound"].to_numpy()).mean()


def mean_auc(scores, partners_of):
    """How well each column's partners rank among its rows, over columns that have some."""
    aucs = []
    for name, column in scores.items():
        others = column.drop(index=name, errors="ignore")
        is_partner = others.index.isin(partners_of[name])
        if is_partner.any():
            aucs.append(roc_auc_score(is_partner, others))
    return np.mean(aucs), np.std(aucs) / np.sqrt(len(aucs))


@pytest.mark.slow
def test_signatures_find_knock_outs_of_their_targets_and_drugs_that_share_one(world, bundle):
    truth = pd.read_csv(world / "truth" / "drug_gene.csv").query("is_panel_target")
    targets = truth.groupby("compound")["gene"].agg(frozenset)
    asked = signatures(world / "l1000.gctx")
    asked = asked.loc[asked.index.isin(targets.index)]
    encoder = load_signature_encoder(bundle.folder)
    placed = encoder.embed(asked.to_numpy(), list(asked.columns))
    table, nothing = placed_wells(bundle, world / "features.parquet"), np.zeros(0, np.int64)
    probes = Probes(placed, np.arange(len(placed)), (nothing,) * len(placed), "projection")
    sharing = {
        name: targets.index[[bool(targets[name] & own) for own in targets]] for name in asked.index
    }
    for kind, partners_of in (("gene", targets), ("compound", sharing)):
        treatments = treatments_of(table, kind)
        scores = pd.DataFrame(
            probes.scores(mean_profiles(table, treatments)),
            index=[treatment.name for treatment in treatments],
            columns=asked.index,
        )
        best = scores.groupby(level=0).max()  # of a compound's doses
        if kind == "compound":
            best = best.loc[best.index.isin(targets.index)]
        auc, error = mean_auc(best, partners_of)
        order = np.random.default_rng(0).permutation(len(asked))
        exchanged, _ = mean_auc(best.set_axis(best.columns[order], axis=1), partners_of)
        print(f"{kind}: AUC {auc:.3f} ± {error:.3f}, exchanged {exchanged:.3f}")  # noqa: T201
        assert auc - 3 * error > 0.6
        assert abs(exchanged - 0.5) < 0.12
