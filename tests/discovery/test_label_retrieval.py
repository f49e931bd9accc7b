import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics.pairwise import cosine_similarity

from napari_tide.discovery.label_retrieval import same_label_retrieval
from napari_tide.errors import EvaluationValueError


@pytest.fixture
def clustered():
    random = np.random.default_rng(0)
    labels = np.repeat([f"m{i}" for i in range(10)], 6)
    centres = random.normal(size=(10, 16))
    return centres[np.repeat(np.arange(10), 6)] + 2 * random.normal(size=(60, 16)), labels


def test_scores_are_those_of_scikit_learn_pair_by_pair(clustered):
    embeddings, labels = clustered
    found = same_label_retrieval(embeddings, labels, n_resamples=50)
    similar, same = cosine_similarity(embeddings), labels[:, None] == labels[None]
    upper = np.triu_indices(60, 1)
    assert found.auc == pytest.approx(roc_auc_score(same[upper], similar[upper]), abs=1e-12)
    others = ~np.eye(60, dtype=bool)
    by_row = [
        average_precision_score(same[row][others[row]], similar[row][others[row]])
        for row in range(60)
    ]
    assert found.ap == pytest.approx(np.mean(by_row), abs=1e-12)
    assert found.auc in found.auc_interval
    assert found.ap in found.ap_interval
    assert found.auc_interval.low > 0.5
    assert (found.n_queries, found.n_same_pairs, found.n_pairs) == (60, 150, 1770)


def test_shuffled_labels_are_at_chance(clustered):
    embeddings, labels = clustered
    shuffled = np.random.default_rng(5).permutation(labels)
    found = same_label_retrieval(embeddings, shuffled)
    assert 0.5 in found.auc_interval
    assert found.chance_ap in found.ap_interval


def test_rows_of_one_group_are_not_compared(clustered):
    embeddings, labels = clustered
    twice = np.concatenate([embeddings, embeddings])
    groups = [*range(60), *range(60)]
    found = same_label_retrieval(twice, [*labels, *labels], groups=groups, n_resamples=50)
    alone = same_label_retrieval(embeddings, labels, n_resamples=50)
    assert found.auc == pytest.approx(alone.auc, abs=1e-12)
    assert found.auc_interval.low == pytest.approx(alone.auc_interval.low, abs=1e-12)
    leaky = same_label_retrieval(twice, [*labels, *labels], n_resamples=50)
    assert leaky.auc > alone.auc + 0.02


def test_one_common_label_is_enough_and_unlabelled_rows_take_no_part():
    embeddings = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.5, 0.5]])
    found = same_label_retrieval(embeddings, [{"A", "B"}, {"B"}, {"C"}, ()], n_resamples=20)
    assert (found.n_rows, found.n_same_pairs, found.n_pairs) == (3, 1, 3)
    assert found.auc == 1.0
    assert found.ap == 1.0


def test_an_embedding_of_zeros_is_at_chance():
    found = same_label_retrieval(np.zeros((6, 3)), list("aabbcc"), n_resamples=20)
    assert found.auc == 0.5


def test_labels_without_pairs_are_refused():
    with pytest.raises(EvaluationValueError, match="0 of 3 pairs of 3 labelled rows"):
        same_label_retrieval(np.eye(3), ["a", "b", "c"])
    with pytest.raises(EvaluationValueError, match="1 of 3 rows hold values that are not finite"):
        same_label_retrieval(np.array([[1.0], [np.inf], [2.0]]), ["a", "a", "b"])
