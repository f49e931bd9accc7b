import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.nearest_bits import nearest_by_jaccard
from napari_tide.profiles.project import project


def fingerprints(n_families=6, n_each=15, n_bits=256, seed=0):
    rng = np.random.default_rng(seed)
    families = rng.random((n_families, n_bits)) < 0.2
    flips = rng.random((n_families, n_each, n_bits)) < 0.02
    return (families[:, None] ^ flips).reshape(-1, n_bits).astype(np.uint8)


def test_neighbours_are_scipys_jaccard_distances_in_order():
    bits = fingerprints()
    indices, distances = nearest_by_jaccard(bits, 10)
    slow = cdist(bits.astype(bool), bits.astype(bool), metric="jaccard")
    np.testing.assert_array_equal(indices[:, 0], np.arange(len(bits)))
    np.testing.assert_allclose(distances, np.sort(slow, axis=1)[:, :10], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(slow, indices, axis=1), distances, atol=1e-6)


def test_empty_fingerprints_have_distance_zero_to_each_other():
    bits = np.zeros((5, 8), np.uint8)
    bits[3:, 0] = 1
    _, distances = nearest_by_jaccard(bits, 3)
    assert (distances[:3] == 0).all()


@pytest.mark.parametrize("space", ["fingerprint", "codebook", "profiles"])
def test_a_map_keeps_neighbours_together_and_repeats_exactly(space):
    rows = fingerprints() if space == "fingerprint" else fingerprints() @ np.eye(256, 40) + 0.1
    first, second = (project(rows, space=space) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    family = np.repeat(np.arange(6), 15)
    centres = np.stack([first[family == f].mean(axis=0) for f in range(6)])
    nearest = np.linalg.norm(first[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == family).mean() > 0.95
    metric = "hamming" if space == "fingerprint" else "cosine"
    assert trustworthiness(rows, first, n_neighbors=5, metric=metric) > 0.8


def test_a_map_of_too_few_or_missing_values_is_refused():
    with pytest.raises(ProfileValueError, match="at least 4 points"):
        project(np.zeros((3, 5)), space="profiles")
    rows = np.ones((9, 3))
    rows[2, 1] = np.nan
    with pytest.raises(ProfileValueError, match="missing or infinite"):
        project(rows, space="profiles")
