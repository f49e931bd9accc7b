import numpy as np
import pytest

from napari_tide.discovery.bootstrap import (
    Interval,
    interval_of_mean,
    interval_of_nested_ratio,
    interval_of_ratio,
)


def test_interval_of_a_mean_is_that_of_the_central_limit():
    values = np.random.default_rng(1).normal(3, 2, 400)
    found = interval_of_mean(values, over="rows", n_resamples=4000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_interval_covers_the_truth_nineteen_times_in_twenty():
    random = np.random.default_rng(2)
    covered = [
        0.0 in interval_of_mean(random.normal(size=60), over="rows", n_resamples=300, seed=seed)
        for seed in range(300)
    ]
    assert 0.90 <= np.mean(covered) <= 0.98


def test_repeats_of_a_cluster_do_not_narrow_the_interval():
    few = np.random.default_rng(3).normal(size=30)
    alone = interval_of_mean(few, over="rows")
    repeated = interval_of_mean(
        np.repeat(few, 20), over="clusters", clusters_N=np.repeat(np.arange(30), 20)
    )
    naive = interval_of_mean(np.repeat(few, 20), over="rows")
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low, rel=1e-9)
    assert naive.high - naive.low < 0.5 * (alone.high - alone.low)


def test_nested_interval_is_wider_where_classes_differ():
    random = np.random.default_rng(4)
    share_C = random.random(12)
    correct_CR = random.binomial(10, share_C[:, None], (12, 50)).astype(float)
    counts_CR = np.full((12, 50), 10.0)
    runs = interval_of_ratio(correct_CR.sum(0), counts_CR.sum(0), over="runs")
    nested = interval_of_nested_ratio(correct_CR, counts_CR, over="classes, then runs")
    assert nested.high - nested.low > 4 * (runs.high - runs.low)
    assert share_C.mean() in nested


def test_gaps_are_left_out_and_nothing_gives_no_interval():
    assert interval_of_mean([1.0, np.nan, 1.0], over="rows") == Interval(1.0, 1.0, "rows", 1000)
    assert np.isnan(interval_of_mean([], over="rows").low)
