import itertools

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from napari_tide.discovery.ranking_metrics import (
    area_under_roc,
    average_precision,
    expected_average_precision,
    expected_hit_at_k,
    hit_at_k,
    n_classes_ahead,
    score_pools,
    top_k_accuracy,
)
from napari_tide.errors import EvaluationValueError


@pytest.fixture(scope="module")
def official(oracles):
    return dict(np.load(oracles / "eval" / "metrics.npz"))


@pytest.mark.parametrize("ties", ["", "_ties"])
def test_scores_are_the_official_ones(official, ties):
    scores, is_positive = official[f"score{ties}"], official["y"].astype(bool)
    assert average_precision(scores, is_positive) == pytest.approx(
        float(official[f"sk_ap{ties}"]), abs=1e-15
    )
    assert area_under_roc(scores, is_positive) == pytest.approx(
        float(official[f"sk_auc{ties}"]), abs=1e-15
    )


@pytest.mark.parametrize("k", [1, 5])
def test_top_k_is_the_official_one(official, k):
    found = top_k_accuracy(official["logits"], official["labels"], k=k)
    assert found == pytest.approx(float(official[f"top{k}"]), abs=1e-15)


def test_ragged_pools_are_scored_as_one_by_one_with_scikit_learn():
    random = np.random.default_rng(0)
    pool = random.integers(40, size=1500)
    scores = random.integers(0, 12, size=1500) / 4  # many ties
    is_positive = random.random(1500) < 0.3
    found = score_pools(scores, is_positive, pool_I=pool, n_pools=40)
    for number in range(40):
        here = pool == number
        assert found.ap[number] == pytest.approx(
            average_precision_score(is_positive[here], scores[here]), abs=1e-13
        )
        assert found.auc[number] == pytest.approx(
            roc_auc_score(is_positive[here], scores[here]), abs=1e-13
        )


def test_pools_without_positives_or_negatives_have_no_score():
    found = score_pools(
        np.array([1.0, 2.0, 3.0]),
        np.array([True, False, False]),
        pool_I=np.array([0, 2, 2]),
        n_pools=3,
    )
    assert np.isnan(found.ap).all()
    assert np.isnan(found.hit_at(1)).all()
    assert found.n_items.tolist() == [1, 0, 2]


def test_ties_never_make_a_hit():
    flat, is_positive = np.zeros(5), np.array([False, True, False, False, False])
    assert not hit_at_k(flat, is_positive, k=1)
    assert hit_at_k(flat, is_positive, k=5)
    assert n_classes_ahead(np.zeros((1, 4)), np.array([2])).tolist() == [3]


@pytest.mark.parametrize(("n_positive", "n_items"), [(1, 1), (1, 5), (2, 5), (3, 6)])
def test_random_baselines_are_means_over_every_order(n_positive, n_items):
    orders = list(itertools.combinations(range(n_items), n_positive))
    masks = [np.isin(np.arange(n_items), places) for places in orders]
    down = -np.arange(n_items, dtype=float)
    mean_ap = np.mean([average_precision_score(mask, down) for mask in masks])
    assert expected_average_precision(n_positive, n_items) == pytest.approx(mean_ap, abs=1e-12)
    for k in (1, 2, 5):
        mean_hit = np.mean([mask[:k].any() for mask in masks])
        assert expected_hit_at_k(n_positive, n_items, k=k) == pytest.approx(mean_hit, abs=1e-9)


def test_random_baselines_of_the_benchmark():
    found = expected_average_precision([1, 10], [21, 30])
    np.testing.assert_allclose(found, [0.1736, 0.4022], atol=5e-5)


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(EvaluationValueError, match="1 scores are not finite"):
        average_precision(np.array([1.0, np.nan]), np.array([True, False]))
