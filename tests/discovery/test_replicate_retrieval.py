import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score
from sklearn.metrics.pairwise import cosine_similarity

from napari_tide.discovery.bootstrap import interval_of_mean
from napari_tide.discovery.replicate_retrieval import replicate_retrieval
from napari_tide.errors import EvaluationValueError
from napari_tide.profiles.profiles import Profiles


def table_of(features, *, control, plate) -> Profiles:
    metadata = pd.DataFrame(
        {"Metadata_Control": np.where(control, "negcon", ""), "Metadata_Plate": plate}
    )
    names = tuple(f"f{i}" for i in range(features.shape[1]))
    return Profiles(metadata, features, names)


@pytest.fixture(scope="module")
def official(oracles):
    folder = oracles / "eval"
    meta = pd.read_csv(folder / "copairs_meta.csv", index_col=0)
    profiles = table_of(
        np.load(folder / "copairs.npz")["feat"], control=meta["ctrl"], plate=meta["plate"]
    )
    return profiles, meta, folder


def test_scores_are_those_of_copairs(official):
    profiles, meta, folder = official
    found = replicate_retrieval(profiles, meta["pert"].tolist()).treatments.set_index("treatment")
    theirs = pd.read_csv(folder / "copairs_map.csv", index_col="pert").loc[found.index]
    np.testing.assert_allclose(
        found["mean_average_precision"], theirs["mean_average_precision"], atol=1e-12
    )
    np.testing.assert_allclose(found["copairs_p_value"], theirs["p_value"], atol=0.02)
    assert (found["n_replicates"] == 4).all()


def random_plates(*, n_labels=40, n_plates=4, n_controls=10, effect=0.0, seed=0):
    random = np.random.default_rng(seed)
    labels, plates, rows = [], [], []
    effects = effect * random.normal(size=(n_labels, 16))
    for plate in range(n_plates):
        for label in range(n_labels + n_controls):
            is_control = label >= n_labels
            rows.append(random.normal(size=16) + (0 if is_control else effects[label]))
            labels.append("" if is_control else f"t{label}")
            plates.append(f"P{plate}")
    names = np.array(labels, object)
    return table_of(np.array(rows), control=names == "", plate=plates), names


@pytest.mark.parametrize("against", ["controls", "others"])
def test_without_an_effect_nothing_is_found_and_precision_is_at_chance(against):
    profiles, labels = random_plates(n_labels=80, seed=3)
    found = replicate_retrieval(profiles, labels, against=against, null_size=199)
    assert found.share_significant < 0.05
    treatments = found.treatments
    assert found.chance_ap in interval_of_mean(treatments["mean_average_precision"], over="labels")


def test_effects_are_found():
    profiles, labels = random_plates(effect=2.0)
    found = replicate_retrieval(profiles, labels)
    assert found.share_significant > 0.9
    assert found.interval.low > found.chance_ap


def test_against_others_is_a_plain_loop_over_plates():
    profiles, labels = random_plates(effect=1.0, n_labels=10, n_controls=3)
    found = replicate_retrieval(profiles, labels, against="others", different=["Metadata_Plate"])
    rows = np.flatnonzero(labels != "")
    similar = cosine_similarity(profiles.features[rows])
    names, plates = labels[rows], profiles.column("Metadata_Plate").to_numpy()[rows]
    by_label: dict[str, list[float]] = {}
    for row in range(len(rows)):
        is_same = names == names[row]
        compared = ~is_same | (plates != plates[row])
        score = average_precision_score(is_same[compared], similar[row][compared])
        by_label.setdefault(names[row], []).append(score)
    ours = found.treatments.set_index("treatment")["mean_average_precision"]
    for name, scores in by_label.items():
        assert ours[name] == pytest.approx(np.mean(scores), abs=1e-6)


def test_what_cannot_be_compared_is_refused():
    profiles, labels = random_plates(n_plates=1)
    with pytest.raises(EvaluationValueError, match=r"--label"):
        replicate_retrieval(profiles, labels)
    profiles, labels = random_plates(n_controls=0)
    with pytest.raises(EvaluationValueError, match="mark no negative control"):
        replicate_retrieval(profiles, labels)
    with pytest.raises(EvaluationValueError, match="no column 'Metadata_Site'"):
        replicate_retrieval(profiles, labels, against="others", different=["Metadata_Site"])
