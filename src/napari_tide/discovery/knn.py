"""Weighted nearest neighbours, by which checkpoints are chosen and embeddings compared.

As in the published DINO evaluation: the k most similar training embeddings vote for their label
with weight exp(similarity / T).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from napari_tide.errors import EvaluationValueError

K = 20
TEMPERATURE = 0.07
N_FIRST = 5
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class KnnAccuracy:
    """Shares of rows whose label is the first, or among the first five, by vote."""

    top1: float
    top5: float
    n_rows: int


def knn_accuracy(
    train_ND: torch.Tensor,
    train_labels_N: torch.Tensor,
    test_MD: torch.Tensor,
    test_labels_M: torch.Tensor,
    *,
    k: int = K,
    temperature: float = TEMPERATURE,
) -> KnnAccuracy:
    """Classify test embeddings by their neighbours in the training set, by cosine.

    Raises
    ------
    EvaluationValueError
        One of the sets is empty.
    """
    voted_M5 = knn_labels(train_ND, train_labels_N, test_MD, k=k, temperature=temperature)
    is_right_M5 = voted_M5 == test_labels_M[:, None]
    n_rows = len(test_MD)
    first, among = int(is_right_M5[:, 0].sum()), int(is_right_M5.any(dim=1).sum())
    return KnnAccuracy(first / n_rows, among / n_rows, n_rows)


def knn_labels(
    train_ND: torch.Tensor,
    train_labels_N: torch.Tensor,
    test_MD: torch.Tensor,
    *,
    k: int = K,
    temperature: float = TEMPERATURE,
) -> torch.Tensor:
    """Give every test row's five labels with the most votes, the winner first; -1 for no label.

    Raises
    ------
    EvaluationValueError
        One of the sets is empty.
    """
    if not len(train_ND) or not len(test_MD):
        message = f"k-NN needs both sets; got {len(train_ND)} training and {len(test_MD)} test rows"
        raise EvaluationValueError(message)
    # whoever trains in half precision votes in full: close neighbours are not the same neighbour
    with torch.autocast(train_ND.device.type, enabled=False):
        return _voted(train_ND, train_labels_N, test_MD, k, temperature)


def _voted(
    train_ND: torch.Tensor,
    train_labels_N: torch.Tensor,
    test_MD: torch.Tensor,
    k: int,
    temperature: float,
) -> torch.Tensor:
    n_classes = max(int(train_labels_N.max()) + 1, N_FIRST)
    bank_ND = functional.normalize(train_ND, dim=1)
    parts = []
    for start in range(0, len(test_MD), _ROWS_AT_ONCE):
        rows_BD = functional.normalize(test_MD[start : start + _ROWS_AT_ONCE], dim=1)
        similar_BN = rows_BD @ bank_ND.T
        nearest = similar_BN.topk(min(k, len(bank_ND)), dim=1)
        votes_BC = similar_BN.new_zeros(len(rows_BD), n_classes)
        weights = (nearest.values / temperature).exp()
        votes_BC.scatter_add_(1, train_labels_N[nearest.indices], weights)
        top = votes_BC.topk(N_FIRST, dim=1)
        parts.append(top.indices.where(top.values > 0, -1))
    return torch.cat(parts)
