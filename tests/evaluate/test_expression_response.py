import numpy as np
import pytest

from tide_train.evaluate.expression_response import score_responses


def test_scores_are_those_of_the_published_evaluations(oracles):
    given = dict(np.load(oracles / "eval" / "expr.npz", allow_pickle=False))
    scores = score_responses(given["truth"], given["pred"], given["ctrl"], list(given["cond"]))
    for ours, theirs in (
        ("r2", "perturbnet_r2"),
        ("pearson", "pearson"),
        ("pearson_change", "pearson_delta"),
        ("pearson_changed_genes", "pearson_delta_de20"),
        ("r2_change", "r2_delta"),
        ("mse", "gears_mse"),
    ):
        found = [getattr(score, ours) for score in scores]
        np.testing.assert_allclose(found, given[theirs], rtol=1e-10)


def test_predicting_the_control_says_nothing_about_the_change():
    rng = np.random.default_rng(0)
    control = rng.normal(5, 1, (20, 50))
    truth = rng.normal(5, 1, (4, 50))
    flat = np.tile(control.mean(axis=0), (4, 1))
    (score,) = score_responses(truth, flat, control, ["drug"] * 4)
    assert np.isnan(score.pearson_change)
    assert score.r2_change == pytest.approx(0, abs=0.2)
