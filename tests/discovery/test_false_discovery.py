import numpy as np
import pytest
from scipy.stats import false_discovery_control

from napari_tide.discovery.false_discovery import q_values


@pytest.mark.parametrize("n", [1, 2, 57, 1000])
def test_q_values_are_those_of_scipy(n):
    p = np.random.default_rng(n).random(n) ** 3
    np.testing.assert_allclose(q_values(p), false_discovery_control(p), rtol=1e-12)


def test_ties_share_a_q():
    p = np.array([0.02, 0.01, 0.02, 0.5])
    np.testing.assert_allclose(q_values(p), false_discovery_control(p))
    assert q_values(p)[0] == q_values(p)[2]


def test_what_was_not_tested_has_no_q_and_does_not_count():
    p = np.array([0.01, np.nan, 0.04])
    q = q_values(p)
    assert np.isnan(q[1])
    np.testing.assert_allclose(q[[0, 2]], false_discovery_control(p[[0, 2]]))


def test_nothing_gives_nothing():
    assert q_values(np.zeros(0)).shape == (0,)


def test_the_share_of_false_discoveries_stays_below_the_rate():
    random = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        is_true = np.arange(200) < 40
        p = np.where(is_true, random.random(200) ** 8, random.random(200))
        found = q_values(p) <= 0.1
        shares.append((found & ~is_true).sum() / max(found.sum(), 1))
    assert 0.05 < np.mean(shares) <= 0.1  # 0.8 of 0.1 expected: a fifth is true
