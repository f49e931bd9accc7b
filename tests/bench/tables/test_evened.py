"""Evening out effects: the covariance it estimates, and what it does to directions."""

from __future__ import annotations

import numpy as np
import pytest

from tide_train.bench.tables.evened import SHRINKAGE, effect_covariance, evened, evening_map


@pytest.fixture
def wells():
    """Many treatments whose true effects spread by 3 along one axis and 1 along the others."""
    random = np.random.default_rng(2)
    effects = random.standard_normal((3000, 4)) * [3.0, 1.0, 1.0, 1.0]
    codes = np.repeat(np.arange(3000), 4)
    return effects[codes] + 2.0 * random.standard_normal((len(codes), 4)), codes


def test_replicate_noise_is_taken_off_the_effects(wells):
    rows, codes = wells
    found = effect_covariance(rows, codes)
    np.testing.assert_allclose(np.diag(found), [9, 1, 1, 1], rtol=0.12)
    means = np.stack([rows[codes == code].mean(0) for code in range(50)])
    assert np.trace(means.T @ means / 50) > 1.2 * np.trace(found)  # with noise it would be more


def test_the_map_is_the_inverse_root_of_the_shrunken_effects(wells):
    rows, codes = wells
    effects = effect_covariance(rows, codes)
    ridge = SHRINKAGE * np.trace(effects) / 4
    found = evening_map(rows, codes)
    np.testing.assert_allclose(found @ (effects + ridge * np.eye(4)) @ found, np.eye(4), atol=1e-8)


def test_wells_without_treatment_are_mapped_but_not_learned_from(wells):
    rows, codes = wells
    names = np.array([f"drug {code}" for code in codes], object)
    extra = np.array([[1000.0, 0, 0, 0]])
    together = evened(np.concatenate([rows, extra]), np.append(names, ""))
    np.testing.assert_allclose(together[:-1], evened(rows, names))
    assert abs(together[-1, 0]) > 10


def test_without_replicates_nothing_is_taken_off():
    rows = np.random.default_rng(3).standard_normal((30, 3))
    np.testing.assert_allclose(effect_covariance(rows, np.arange(30)), rows.T @ rows / 30)
