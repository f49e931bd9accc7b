import numpy as np
import pytest
from scipy.stats import kstest, permutation_test, spearmanr

from napari_tide.discovery.dose_trend import DoseTrends


def test_the_correlation_is_spearmans():
    random = np.random.default_rng(0)
    doses = np.repeat([0.1, 1.0, 10.0, 100.0], 4)
    effects = np.log(doses) + 2 * random.standard_normal(16)
    trend = DoseTrends().of(doses, effects)
    assert trend.rho == pytest.approx(spearmanr(doses, effects).statistic)
    assert trend.n_doses == 4


def test_p_is_that_of_scipys_permutation_test():
    random = np.random.default_rng(3)
    doses = np.repeat([1.0, 3.0, 9.0], 4)
    effects = 0.4 * np.log(doses) + random.standard_normal(12)
    peer = permutation_test(
        (effects,),
        lambda shuffled: spearmanr(doses, shuffled).statistic,
        permutation_type="pairings",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    )
    # scipy doubles the smaller tail, this takes both by size: the same for a symmetric null
    assert DoseTrends().of(doses, effects).p_value == pytest.approx(peer.pvalue, abs=0.03)


def test_p_is_uniform_where_dose_does_not_matter():
    random = np.random.default_rng(4)
    trends = DoseTrends(n_shuffles=999)
    doses = np.repeat([1.0, 2.0, 4.0, 8.0], 5)
    p = np.array([trends.of(doses, random.standard_normal(20)).p_value for _ in range(600)])
    assert kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("doses", "effects"),
    [([1, 1, 2, 2], [1, 2, 3, 4]), ([1, 2, 3], [5, 5, 5]), ([np.nan] * 4, [1, 2, 3, 4])],
    ids=["two doses", "no difference", "no dose"],
)
def test_what_has_no_trend_gives_none(doses, effects):
    assert DoseTrends().of(np.array(doses, float), np.array(effects, float)) is None


def test_wells_without_dose_are_left_out():
    doses, effects = np.array([1, 2, 4, np.nan, 0]), np.array([1.0, 2, 3, -9, -9])
    assert DoseTrends().of(doses, effects).rho == pytest.approx(1.0)
