"""Scores of queries, against slow loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from napari_tide.errors import EvaluationValueError
from tide_train.evaluate.compound_folds import compound_folds
from tide_train.evaluate.query_retrieval import estimate, gain, score_queries
from tide_train.evaluate.target_case import scaled_by


def test_queries_are_scored_among_their_own_candidates():
    rng = np.random.default_rng(0)
    queries, gallery = rng.standard_normal((5, 8)), rng.standard_normal((30, 8))
    is_same, is_candidate = rng.random((5, 30)) < 0.2, rng.random((5, 30)) < 0.7
    is_same[4] = False
    found = score_queries(queries, gallery, is_same_QG=is_same, is_candidate_QG=is_candidate)
    for q in range(4):
        here = is_candidate[q]
        cosine = [
            float(row @ queries[q] / np.linalg.norm(row) / np.linalg.norm(queries[q]))
            for row in gallery[here]
        ]
        assert found["ap"][q] == pytest.approx(average_precision_score(is_same[q, here], cosine))
        assert found["auc"][q] == pytest.approx(roc_auc_score(is_same[q, here], cosine))
    assert np.isnan(found["ap"][4])


def test_gains_are_paired_by_query_and_seed():
    rows = pd.DataFrame(
        {
            "query": ["p", "q", "p", "q"],
            "cluster": ["p", "q", "p", "q"],
            "seed": [0, 0, 1, 1],
            "ap": [0.1, 0.9, 0.3, 0.7],
        }
    )
    better = rows.assign(ap=rows["ap"] + 0.05).iloc[::-1]
    assert estimate(rows, "ap").value == pytest.approx(0.5)
    assert estimate(rows, "ap").low < 0.3  # two queries far apart: a wide interval
    found = gain(better, rows, "ap")
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))


def test_clusters_are_drawn_as_one():
    rng = np.random.default_rng(1)
    of_cluster = np.repeat(rng.random(20), 4)
    rows = pd.DataFrame({"query": [f"w{i:02d}" for i in range(80)], "seed": 0, "ap": of_cluster})
    apart = estimate(rows.assign(cluster=rows["query"]), "ap")
    together = estimate(rows.assign(cluster=np.repeat(np.arange(20), 4)), "ap")
    assert together.high - together.low > 1.6 * (apart.high - apart.low)  # the root of 4


def test_folds_keep_molecules_whole_and_part_strata():
    molecules = [f"m{i // 2}" for i in range(40)]  # each twice
    strata = [f"s{i // 4}" for i in range(40)]  # two molecules of each mechanism
    folds = compound_folds(molecules, n_folds=5, seed=0, strata=strata)
    table = pd.DataFrame({"molecule": molecules, "stratum": strata, "fold": folds})
    assert table.groupby("molecule")["fold"].nunique().max() == 1
    assert table.groupby("stratum")["fold"].nunique().min() == 2
    assert table["fold"].value_counts().tolist() == [8] * 5
    other = compound_folds(molecules, n_folds=5, seed=1, strata=strata)
    assert (other != folds).any()


def test_too_many_folds_are_refused():
    with pytest.raises(EvaluationValueError, match="3 compounds cannot be split in 5 folds"):
        compound_folds(["a", "b", "c", "a"], n_folds=5, seed=0)


def test_whitening_is_fitted_on_training_rows_alone():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((90, 6)) @ rng.standard_normal((6, 6)) + 3
    rows[80:] *= 50
    white = scaled_by(rows, rows[:80], "whitened")
    np.testing.assert_allclose(np.cov(white[:80].T, ddof=0), np.eye(6), atol=1e-8)
    scaled = scaled_by(rows, rows[:80], "scaled")
    np.testing.assert_allclose(scaled[:80].std(axis=0), 1)
