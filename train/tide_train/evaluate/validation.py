"""How good a checkpoint is: k-NN among perturbations, and what student and teacher lose.

Shapes: N rows, D width, K drugs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from napari_tide.discovery.knn import knn_accuracy
from tide_train.data.batch import Batch
from tide_train.methods.method import Method
from tide_train.parallel import gather_rows, world_size

Rows = npt.NDArray[np.int64]
BatchOf = Callable[[Rows], Batch]


@dataclass(frozen=True, slots=True)
class Validation:
    """What the validation split says of a checkpoint.

    Parameters
    ----------
    knn_top1, knn_top5
        Shares of validation images whose perturbation the training images vote for.
    chance_top1
        What a guess in proportion to the bank would reach.
    student_log_loss, teacher_log_loss
        Over validation images with a training drug; the teacher's over those with a transcriptome,
        NaN where it has none. `student_log_loss_paired` is the student's over the same images.
    """

    knn_top1: float
    knn_top5: float
    chance_top1: float
    n_images: int
    student_log_loss: float = float("nan")
    student_log_loss_paired: float = float("nan")
    teacher_log_loss: float = float("nan")

    def facts(self) -> dict[str, float]:
        """Give the numbers by name, without those that are unknown."""
        found = {name: float(getattr(self, name)) for name in self.__slots__}
        return {name: value for name, value in found.items() if np.isfinite(value)}


@torch.no_grad()
def embed_rows(method: Method, rows: Rows, batch_of: BatchOf, *, batch_size: int) -> torch.Tensor:
    """Embed rows with the encoder the method is judged by, shared over all processes."""
    mine = np.array_split(rows, world_size())[_rank()]
    width = method.student.encoder.width
    parts = [
        method.used_encoder(batch_of(mine[start : start + batch_size]).samples).pooled_BD.float()
        for start in range(0, len(mine), batch_size)
    ]
    device = next(method.parameters()).device
    together = torch.cat(parts) if parts else torch.zeros(0, width, device=device)
    return gather_rows(together)


@torch.no_grad()
def validate(
    method: Method,
    *,
    bank: Rows,
    rows: Rows,
    perturbations_N: Rows,
    batch_of: BatchOf,
    batch_size: int,
) -> Validation:
    """Judge a method by rows that did not train.

    Parameters
    ----------
    bank
        Training rows that vote; they and `rows` have a perturbation.
    rows
        Validation rows.
    perturbations_N
        The perturbation of every row of the data.
    batch_of
        Reads rows as a batch, without augmentation.
    batch_size
        Rows at once.
    """
    was_training = method.training
    method.eval()
    bank_ND = embed_rows(method, bank, batch_of, batch_size=batch_size)
    rows_ND = embed_rows(method, rows, batch_of, batch_size=batch_size)
    bank_labels, row_labels = perturbations_N[bank], perturbations_N[rows]
    device = bank_ND.device
    accuracy = knn_accuracy(
        bank_ND,
        torch.from_numpy(bank_labels).to(device),
        rows_ND,
        torch.from_numpy(row_labels).to(device),
    )
    student, on_pairs, teacher = (
        _log_losses(method, rows, batch_of, batch_size)
        if method.trains_drug_head
        else (float("nan"),) * 3
    )
    method.train(was_training)
    return Validation(
        knn_top1=accuracy.top1,
        knn_top5=accuracy.top5,
        chance_top1=_chance(bank_labels, row_labels),
        n_images=len(rows),
        student_log_loss=student,
        student_log_loss_paired=on_pairs,
        teacher_log_loss=teacher,
    )


def _log_losses(
    method: Method, rows: Rows, batch_of: BatchOf, batch_size: int
) -> tuple[float, float, float]:
    sums = np.zeros(3)
    counts = np.zeros(3)
    for start in range(0, len(rows), batch_size):
        batch = batch_of(rows[start : start + batch_size])
        embeddings_BD = method.student(batch.samples).pooled_BD
        losses_B = _losses(method.student.logits(embeddings_BD), batch.drugs_B)
        _add(sums, counts, 0, losses_B[batch.is_labelled])
        if batch.partners is None or not len(batch.partners.samples_P):
            continue
        here_P = batch.partners.samples_P
        teacher_PK = method.teacher_logits(embeddings_BD[here_P], batch)
        if teacher_PK is None:
            continue
        is_known_P = batch.is_labelled[here_P]
        _add(sums, counts, 1, losses_B[here_P][is_known_P])
        _add(sums, counts, 2, _losses(teacher_PK, batch.drugs_B[here_P])[is_known_P])
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return float(means[0]), float(means[1]), float(means[2])


def _losses(logits_BK: torch.Tensor, drugs_B: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(logits_BK.float(), drugs_B.clamp_min(0), reduction="none")


def _add(
    sums: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
    where: int,
    losses: torch.Tensor,
) -> None:
    sums[where] += float(losses.sum())
    counts[where] += len(losses)


def _chance(bank_labels: Rows, row_labels: Rows) -> float:
    values, counts = np.unique(bank_labels, return_counts=True)
    share = dict(zip(values.tolist(), (counts / counts.sum()).tolist(), strict=True))
    return float(np.mean([share.get(label, 0.0) for label in row_labels.tolist()]))


def _rank() -> int:
    return torch.distributed.get_rank() if world_size() > 1 else 0
