"""The RNA side of a trained teacher, alone: from a signature to a place in the codebook's space.

A signature comes without an image, a dose and a cell line. Each is replaced by what its branch gave
on average in training, so all that is left between the teacher's two ReLUs is linear, and the
whole side folds into three layers.

Shapes: B signatures, G genes, D width, E width of a dose's representation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from tide_train.nets.tide_teacher import TideTeacher


@dataclass(frozen=True, slots=True, eq=False)
class BranchMeans:
    """What a teacher's other branches gave on average over the training pairs.

    Parameters
    ----------
    image_D
        Image embeddings after their dose.
    dose_E
        RNA doses, as they join the expression.
    cell_D
        Cell lines.
    rna_G
        The expression itself.
    n_pairs
        How many pairs these are means of.
    """

    image_D: torch.Tensor
    dose_E: torch.Tensor
    cell_D: torch.Tensor
    rna_G: torch.Tensor
    n_pairs: int


@dataclass(frozen=True, slots=True, eq=False)
class PairedInputs:
    """What the teacher got of some training pairs."""

    image_BD: torch.Tensor
    rna_BG: torch.Tensor
    cell_BE: torch.Tensor
    image_doses_B: torch.Tensor
    rna_doses_BE: torch.Tensor


@torch.no_grad()
def branch_means(teacher: TideTeacher, batches: Iterable[PairedInputs]) -> BranchMeans:
    """Average what each branch gives; an image the teacher can do without counts as not seen."""
    sums: list[torch.Tensor] = []
    count = 0
    for batch in batches:
        views = (
            teacher.image_view(batch.image_BD, batch.image_doses_B),
            teacher.dose_view(batch.rna_doses_BE),
            teacher.cell_projection(batch.cell_BE),
            batch.rna_BG,
        )
        here = [view.double().sum(dim=0).cpu() for view in views]
        sums = here if not sums else [a + b for a, b in zip(sums, here, strict=True)]
        count += len(batch.rna_BG)
    image_D, dose_E, cell_D, rna_G = (total / max(count, 1) for total in sums)
    if teacher.config.image_dropout:  # it has learned what a missing image looks like
        image_D = torch.zeros_like(image_D)
    return BranchMeans(image_D, dose_E, cell_D, rna_G, count)


@torch.no_grad()
def folded_rna_side(
    teacher: TideTeacher, means: BranchMeans
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Give weights and biases of three layers with ReLU between them, in float64.

    Up to its length, their output is the teacher's own for a signature when the other branches
    give `means`.
    """
    width = means.image_D.numel()
    read_DG, mix_DD = (_linear(teacher.rna_mlp[place]) for place in (0, 2))
    joined = _linear(teacher.rna_projection)
    # rows of P_R: those that read the expression, and those that read the dose
    rna_weight, rna_bias = _after((joined[0][:, :width], joined[1]), mix_DD)
    rna_bias = rna_bias + joined[0][:, width:] @ means.dose_E
    first, second = (_linear(teacher.fusion[place]) for place in (0, 4))
    of_image, of_rna, of_cell = torch.split(first[0], width, dim=1)
    known = first[1] + of_image @ means.image_D + of_cell @ means.cell_D
    fused = _after((of_rna, known), (rna_weight, rna_bias))
    return [
        read_DG,
        _normalised(fused, teacher.fusion[1]),
        _normalised(second, teacher.fusion[5]),
    ]


Layer = tuple[torch.Tensor, torch.Tensor]


def _linear(layer: nn.Module) -> Layer:
    assert isinstance(layer, nn.Linear)
    return layer.weight.double().cpu(), layer.bias.double().cpu()


def _after(second: Layer, first: Layer) -> Layer:
    """Make one layer of two with nothing between them."""
    return second[0] @ first[0], second[0] @ first[1] + second[1]


def _normalised(layer: Layer, norm: nn.Module) -> Layer:
    """Fold a batch normalisation, as it is after training, into the layer before it."""
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight.double().cpu() / torch.sqrt(norm.running_var.double().cpu() + norm.eps)
    offset = norm.bias.double().cpu() - gain * norm.running_mean.double().cpu()
    return gain[:, None] * layer[0], gain * layer[1] + offset
