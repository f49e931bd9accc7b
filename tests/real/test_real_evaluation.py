"""Replicates and mechanisms on two real JUMP-MOA plates."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from napari_tide.discovery.evaluate_profiles import report_knn, report_replicates
from napari_tide.discovery.interventions import usable_profiles
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.profiles import Profiles, concatenate
from napari_tide.profiles.store import read_profiles

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def plates(real) -> Profiles:
    both = [read_profiles(real / "profiles" / f"jump_moa_plate_{name}.csv.gz") for name in "ab"]
    common = [name for name in both[0].feature_names if name in set(both[1].feature_names)]
    taken = [
        plate.with_features(
            plate.features[:, [plate.feature_names.index(name) for name in common]], common
        )
        for plate in both
    ]
    usable, notes = usable_profiles(concatenate(taken))
    assert notes == ["8 values filled with their feature's median"]
    return align_profiles(usable, "center-scale")


@pytest.fixture(scope="module")
def found(plates):
    return report_replicates(plates, same=["Metadata_moa"], null_size=2000)


def test_replicates_are_found_among_controls(plates, found):
    row = found.rows[0]
    similar = cosine_similarity(plates.features)
    names = plates.column("Metadata_Compound").to_numpy()
    by_name: dict[str, list[float]] = {}
    for query in np.flatnonzero(~plates.is_control):
        is_same = (names == names[query]) & ~plates.is_control
        compared = (is_same | plates.is_control) & (np.arange(len(names)) != query)
        score = average_precision_score(is_same[compared], similar[query][compared])
        by_name.setdefault(names[query], []).append(score)
    assert row["n"] == 90
    assert row["mAP"] == pytest.approx(np.mean([np.mean(v) for v in by_name.values()]), abs=1e-3)
    assert row["mAP"] == pytest.approx(0.401, abs=0.002)
    assert row["mAP 95 %"].low > row["random mAP"]
    assert 0.2 < row["share with q < .05"] < 0.5


def test_compounds_of_one_mechanism_are_closer_than_chance(plates, found):
    row = found.rows[1]
    compounds = sorted({*plates.column("Metadata_Compound")[~plates.is_control]})
    of = plates.column("Metadata_Compound").to_numpy()
    means = np.array([plates.features[of == name].mean(axis=0) for name in compounds])
    moa = np.array([plates.column("Metadata_moa")[of == name].iloc[0] for name in compounds])
    upper = np.triu_indices(len(compounds), 1)
    same = (moa[:, None] == moa[None])[upper]
    assert row["AUC"] == pytest.approx(roc_auc_score(same, cosine_similarity(means)[upper]))
    assert row["mAP 95 %"].low > row["random mAP"]
    assert row["mAP"] == pytest.approx(0.1345, abs=0.002)


def test_real_compounds_are_recognised_in_other_wells(plates):
    rows = report_knn(plates).rows
    assert rows[0]["top-1"] > 10 * rows[1]["top-1"]


def test_shuffled_real_compounds_are_not(plates):
    metadata = plates.metadata.copy()
    treated = np.flatnonzero(~plates.is_control)
    order = np.random.default_rng(0).permutation(treated)
    column = metadata.columns.get_loc("Metadata_Compound")
    metadata.iloc[treated, column] = metadata.iloc[order, column].to_numpy()
    shuffled = Profiles(metadata, plates.features, plates.feature_names)
    # among controls even shuffled compounds would stand out a little: all of them were treated
    row = report_replicates(shuffled, against="others", null_size=2000).rows[0]
    assert row["random mAP"] in row["mAP 95 %"]
    assert row["share with q < .05"] < 0.05
