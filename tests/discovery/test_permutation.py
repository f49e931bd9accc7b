import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from napari_tide.discovery.permutation import Stratum, count_p_values, draw_wells, towards


@pytest.mark.parametrize("n_drawn", [1, 2, 6])
def test_wells_are_drawn_without_replacement_within_their_stratum(n_drawn):
    strata = [Stratum(0, 6, n_drawn), Stratum(6, 9, 3)]
    drawn = draw_wells(strata, n_draws=500, random=np.random.default_rng(0))
    assert drawn.shape == (500, n_drawn + 3)
    first, second = drawn[:, :n_drawn], drawn[:, n_drawn:]
    assert first.min() == 0
    assert first.max() == 5
    assert second.min() == 6
    assert second.max() == 14
    assert all(len(set(row)) == n_drawn + 3 for row in drawn)


def test_every_well_is_drawn_equally_often():
    drawn = draw_wells([Stratum(0, 8, 3)], n_draws=8000, random=np.random.default_rng(1))
    assert chisquare(np.bincount(drawn.ravel(), minlength=8)).pvalue > 1e-3


def test_p_counts_draws_at_least_as_extreme_and_the_wells_themselves():
    null = np.array([-0.9, -0.2, 0.1, 0.3])
    assert count_p_values(np.array([0.3]), null, tail="match")[0] == 2 / 5
    assert count_p_values(np.array([-0.2]), null, tail="anti-match")[0] == 3 / 5
    assert count_p_values(np.array([0.25]), null, tail="both")[0] == 3 / 5
    assert count_p_values(np.array([2.0]), null, tail="match")[0] == 1 / 5


def test_nothing_observed_has_no_p():
    assert np.isnan(count_p_values(np.array([np.nan]), np.arange(3.0), tail="match"))[0]


def test_p_of_a_null_lies_on_its_lattice_and_is_uniform_there():
    random = np.random.default_rng(2)
    p = np.array(
        [count_p_values(random.random(1), random.random(19), tail="match")[0] for _ in range(4000)]
    )
    steps = np.round(p * 20)
    np.testing.assert_allclose(steps / 20, p, atol=1e-12)
    assert chisquare(np.bincount(steps.astype(int), minlength=21)[1:]).pvalue > 1e-3
    # a little noise between the steps makes it continuous, as the test of Kolmogorov needs
    assert kstest(p - random.random(4000) / 20, "uniform").pvalue > 1e-3


def test_towards_turns_scores_by_their_tail():
    scores = np.array([-2.0, 1.0])
    assert towards(scores, "match").tolist() == [-2, 1]
    assert towards(scores, "anti-match").tolist() == [2, -1]
    assert towards(scores, "both").tolist() == [2, 1]
