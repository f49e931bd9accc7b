import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from napari_tide.discovery.nearest import nearest_by_cosine
from napari_tide.errors import ProfileValueError


def rows(n, n_features=16, seed=0):
    return np.random.default_rng(seed).standard_normal((n, n_features)).astype(np.float32)


@pytest.mark.parametrize("n_references", [3, 50, 1003])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_neighbours_are_those_of_scikit_learn(n_references, k):
    queries, references = rows(40), rows(n_references, seed=1)
    k_there = min(k, n_references)
    peer = NearestNeighbors(n_neighbors=k_there, metric="cosine", algorithm="brute")
    distances, expected = peer.fit(references).kneighbors(queries)
    indices, cosines = nearest_by_cosine(queries, references, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(cosines, 1 - distances, atol=1e-5)


def test_opposite_rows_come_first_where_the_size_counts():
    references = np.array([[1, 1], [-3, 0], [1, 0.1]], np.float32)
    indices, cosines = nearest_by_cosine(
        np.array([[2, 0]], np.float32), references, 2, is_absolute=True
    )
    assert indices.tolist() == [[1, 2]]
    np.testing.assert_allclose(cosines[0], [-1, 1 / np.hypot(1, 0.1)], rtol=1e-6)


def test_of_equal_cosines_the_earlier_reference_comes_first():
    references = np.tile(np.array([[1, 0]], np.float32), (5, 1))
    indices, _ = nearest_by_cosine(np.array([[1, 0]], np.float32), references, 5)
    assert indices.tolist() == [[0, 1, 2, 3, 4]]


def test_blocks_do_not_change_the_result(monkeypatch):
    queries, references = rows(30), rows(200, seed=2)
    whole = nearest_by_cosine(queries, references, 4)
    monkeypatch.setattr("napari_tide.discovery.nearest._BLOCK_VALUES", 1400)
    for a, b in zip(whole, nearest_by_cosine(queries, references, 4), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_row_of_zeros_is_like_nothing():
    _, cosines = nearest_by_cosine(np.zeros((1, 4)), rows(3, 4), 3)
    assert cosines.tolist() == [[0, 0, 0]]


def test_no_reference_gives_no_neighbour():
    indices, _ = nearest_by_cosine(rows(2), rows(0), 3)
    assert indices.shape == (2, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(value):
    wrong = rows(3)
    wrong[1, 2] = value
    with pytest.raises(ProfileValueError, match="1 profiles hold missing or infinite values"):
        nearest_by_cosine(rows(2), wrong, 1)


def test_other_features_are_refused():
    with pytest.raises(ProfileValueError, match="16 features cannot be compared with others of 8"):
        nearest_by_cosine(rows(2), rows(2, 8), 1)
