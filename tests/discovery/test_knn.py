import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from napari_tide.discovery.knn import knn_accuracy, knn_labels
from napari_tide.errors import EvaluationValueError


def test_neighbours_vote_as_in_the_official_evaluation(oracles):
    official = dict(np.load(oracles / "ssl" / "dino.npz"))
    tensors = [
        torch.from_numpy(official[f"knn_{name}"]) for name in ("train", "train_y", "test", "test_y")
    ]
    found = knn_accuracy(*tensors, k=int(official["knn_k"]), temperature=float(official["knn_T"]))
    assert 100 * found.top1 == pytest.approx(float(official["knn_top1"]))
    assert 100 * found.top5 == pytest.approx(float(official["knn_top5"]))


def test_votes_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(300, 8)), random.normal(size=(50, 8))
    labels = random.integers(12, size=300)
    theirs = KNeighborsClassifier(
        20, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(train, labels)
    ours = knn_labels(
        torch.from_numpy(train), torch.from_numpy(labels), torch.from_numpy(test), k=20
    )
    np.testing.assert_array_equal(ours[:, 0].numpy(), theirs.predict(test))


def test_labels_nobody_voted_for_are_never_given():
    found = knn_labels(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), k=1)
    assert found.tolist() == [[0, -1, -1, -1, -1], [1, -1, -1, -1, -1]]


def test_a_label_the_training_set_lacks_is_wrong():
    found = knn_accuracy(torch.eye(3), torch.arange(3), torch.eye(3), torch.tensor([0, 1, 9]))
    assert found.top1 == pytest.approx(2 / 3)


def test_empty_sets_are_refused():
    with pytest.raises(EvaluationValueError, match="got 0 training and 3 test rows"):
        knn_accuracy(torch.zeros(0, 3), torch.zeros(0).long(), torch.eye(3), torch.arange(3))


def test_neighbours_vote_in_full_precision_where_a_model_trains_in_half():
    random = np.random.default_rng(1)
    train, test = (torch.from_numpy(random.normal(size=(n, 8))).float() for n in (400, 80))
    labels = torch.from_numpy(random.integers(12, size=400))
    expected = knn_labels(train, labels, test, k=20)
    with torch.autocast("cpu", torch.bfloat16):
        found = knn_labels(train, labels, test, k=20)
    assert torch.equal(found, expected)
