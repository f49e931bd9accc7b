import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from napari_tide.discovery.knn_recognition import fold_of_places, knn_recognition
from napari_tide.errors import EvaluationValueError


def simulated(*, n_classes=8, n_wells=6, sites=3, effect=1.0, well_effect=1.0, seed=0):
    random = np.random.default_rng(seed)
    centres = effect * random.normal(size=(n_classes, 16))
    rows, names, wells = [], [], []
    for label in range(n_classes):
        for well in range(n_wells):
            shift = well_effect * random.normal(size=16)
            for _ in range(sites):
                rows.append(centres[label] + shift + 0.3 * random.normal(size=16))
                names.append(f"c{label}")
                wells.append(f"P W{label}-{well}")
    return np.array(rows), np.array(names, object), np.array(wells, object)


def test_recognition_is_that_of_scikit_learn_fold_by_fold():
    rows, names, wells = simulated()
    found = knn_recognition(rows, names, places_N=wells, k=10)
    label = np.unique(names.astype(str), return_inverse=True)[1]
    fold = fold_of_places(wells, label, n_folds=5)
    right = np.zeros(len(rows), bool)
    for number in range(5):
        test = fold == number
        theirs = KNeighborsClassifier(
            10, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
        ).fit(rows[~test], label[~test])
        right[test] = theirs.predict(rows[test]) == label[test]
    assert found.share[1] == pytest.approx(right.mean(), abs=1e-12)
    assert found.share[1] in found.interval[1]
    assert found.chance == {1: 1 / 8, 5: 5 / 8}


def test_folds_keep_wells_whole_and_spread_every_class():
    _, names, wells = simulated()
    label = np.unique(names.astype(str), return_inverse=True)[1]
    fold = fold_of_places(wells, label, n_folds=3)
    for well in set(wells):
        assert len(set(fold[wells == well])) == 1
    for number in range(8):
        assert set(fold[label == number]) == {0, 1, 2}


def test_wells_alone_teach_nothing():
    rows, names, wells = simulated(effect=0.0, well_effect=5.0, n_classes=20)
    apart = knn_recognition(rows, names, places_N=wells)
    each = np.array([f"row {i}" for i in range(len(rows))], object)
    leaked = knn_recognition(rows, names, places_N=each)
    assert apart.interval[1].low <= 0.05
    assert apart.share[1] < 0.15
    assert leaked.share[1] > 0.9


def test_one_well_or_one_intervention_is_refused():
    rows, names, wells = simulated(n_classes=1)
    with pytest.raises(EvaluationValueError, match="got 1 interventions in 6 wells"):
        knn_recognition(rows, names, places_N=wells)
