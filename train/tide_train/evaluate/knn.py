"""Weighted nearest neighbours, by which checkpoints are chosen.

As in the published DINO evaluation: the k most similar training embeddings vote for their label
with weight exp(similarity / T).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from napari_tide.errors import TrainValueError

K = 20
TEMPERATURE = 0.07
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
    TrainValueError
        One of the sets is empty.
    """
    if not len(train_ND) or not len(test_MD):
        message = f"k-NN needs both sets; got {len(train_ND)} training and {len(test_MD)} test rows"
        raise TrainValueError(message)
    n_classes = int(max(train_labels_N.max(), test_labels_M.max())) + 1
    bank_ND = functional.normalize(train_ND, dim=1)
    first = fifth = 0
    for start in range(0, len(test_MD), _ROWS_AT_ONCE):
        rows = test_MD[start : start + _ROWS_AT_ONCE]
        labels = test_labels_M[start : start + _ROWS_AT_ONCE]
        similar = functional.normalize(rows, dim=1) @ bank_ND.T
        nearest = similar.topk(min(k, len(bank_ND)), dim=1)
        votes = torch.zeros(len(rows), n_classes, device=rows.device, dtype=similar.dtype)
        weights = (nearest.values / temperature).exp()
        votes.scatter_add_(1, train_labels_N[nearest.indices], weights)
        order = votes.argsort(dim=1, descending=True)[:, :5]
        hits = order == labels[:, None]
        first += int(hits[:, 0].sum())
        fifth += int(hits.any(dim=1).sum())
    n_rows = len(test_MD)
    return KnnAccuracy(first / n_rows, fifth / n_rows, n_rows)
