"""InfoNCE between two views of a batch, with several positives where labels repeat."""

from __future__ import annotations

import torch
from torch.nn import functional


def info_nce(
    first_BD: torch.Tensor,
    second_BD: torch.Tensor,
    *,
    temperature: float = 0.07,
    positives_BB: torch.Tensor | None = None,
) -> torch.Tensor:
    """Give the symmetric contrastive loss of CLIP.

    Parameters
    ----------
    first_BD, second_BD
        Two embeddings of the same rows.
    temperature
        Divides the cosines.
    positives_BB
        How much row i of one side belongs to row j of the other (for example 1 for the same drug);
        rows are scaled to sum to one. By default each row belongs to itself alone.
    """
    logits_BB = functional.normalize(first_BD, dim=1) @ functional.normalize(second_BD, dim=1).T
    logits_BB = logits_BB / temperature
    if positives_BB is None:
        labels_B = torch.arange(len(logits_BB), device=logits_BB.device)
        there = functional.cross_entropy(logits_BB, labels_B)
        back = functional.cross_entropy(logits_BB.T, labels_B)
        return (there + back) / 2
    return (_soft(logits_BB, positives_BB) + _soft(logits_BB.T, positives_BB.T)) / 2


def _soft(logits_BB: torch.Tensor, weights_BB: torch.Tensor) -> torch.Tensor:
    targets_BB = weights_BB / weights_BB.sum(dim=1, keepdim=True).clamp_min(1e-12)
    return -(targets_BB * functional.log_softmax(logits_BB, dim=1)).sum(dim=1).mean()
