"""Semi-Clipped with PEA: an adapter takes expression signatures to where images of the drug lie.

Both encoders stay as they are; image profiles are aligned once, by TVN, and never move. The adapter
alone trains, by symmetric InfoNCE, where a signature's positives are all images of the same drug in
the same cell line. PEA (perturbation embedding augmentation) corrects the signatures of each step
for batch effects in one of several ways, so that the adapter learns what all of them keep.

Shapes: B pairs, S signatures, G genes, P axes of the aligned profiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import nn

from tide_train.data.batch_corrections import Correction
from tide_train.losses.info_nce import info_nce
from tide_train.methods.method import Losses, MethodConfig
from tide_train.nets.rna_adapter import RnaAdapter
from tide_train.seeding import seeded

_CORRECTION_STREAM, _PARTNER_STREAM = 19, 23


class SemiClippedConfig(MethodConfig):
    """Settings of the adapter's training."""

    kind: Literal["semi_clipped"] = "semi_clipped"
    hidden: int = Field(
        default=512, ge=2, title="Hidden width", description="Width of the adapter's hidden layers"
    )
    n_hidden: int = Field(default=1, ge=0, le=8, title="Hidden layers", description="Hidden layers")
    dropout: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        title="Dropout",
        description="Share of hidden units switched off while training",
    )
    temperature: float = Field(
        default=0.07,
        gt=0,
        title="Contrast temperature",
        description="Lower asks for sharper differences between pairs",
    )
    corrections: tuple[Correction, ...] = Field(
        default=("center", "center-scale", "pca-cs", "tvn"),
        min_length=1,
        title="Corrections (PEA)",
        description="One is drawn each step for the signatures (PEA); center-scale alone: no PEA",
    )
    held_out_share: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        title="Judging drugs",
        description="Share of the paired drugs that only judge",
    )


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """Signatures and profiles in pairs, with the group (drug and line) of each pair."""

    signatures_BG: torch.Tensor
    images_BP: torch.Tensor
    groups_B: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PairDraw:
    """What pairs are drawn from; everything follows from seed and step.

    Parameters
    ----------
    signatures
        All signatures after each correction, S x G.
    corrections
        Which of them take part.
    images_NP
        Aligned profiles.
    group_of_image, signatures_of_group
        Which signatures may stand beside a profile.
    seed
        Of the run.
    """

    signatures: Mapping[Correction, torch.Tensor]
    corrections: tuple[Correction, ...]
    images_NP: torch.Tensor
    group_of_image: npt.NDArray[np.int64]
    signatures_of_group: tuple[npt.NDArray[np.int64], ...]
    seed: int

    def correction(self, step: int) -> Correction:
        """Draw the correction of a step."""
        random = np.random.default_rng([self.seed, _CORRECTION_STREAM, step])
        return self.corrections[int(random.integers(len(self.corrections)))]

    def pairs(self, rows: npt.NDArray[np.int64], step: int) -> PairBatch:
        """Draw a signature beside each profile of a step."""
        random = np.random.default_rng([self.seed, _PARTNER_STREAM, step])
        groups = self.group_of_image[rows]
        partners = np.array(
            [random.choice(self.signatures_of_group[group]) for group in groups], np.int64
        )
        table = self.signatures[self.correction(step)]
        device = table.device
        return PairBatch(
            table[torch.from_numpy(partners).to(device)],
            self.images_NP[torch.from_numpy(rows).to(device)],
            torch.from_numpy(groups).to(device),
        )


class SemiClipped(nn.Module):
    """The adapter and its loss."""

    def __init__(self, config: SemiClippedConfig, n_genes: int, width: int, seed: int) -> None:
        super().__init__()
        self.config = config
        with seeded(seed, "rna adapter"):
            self.adapter = RnaAdapter(
                (n_genes, *[config.hidden] * config.n_hidden, width), dropout=config.dropout
            )

    def forward(self, batch: PairBatch) -> Losses:
        """Give the contrastive loss of a batch of pairs."""
        reached_BP = self.adapter(batch.signatures_BG)
        is_same = (batch.groups_B[:, None] == batch.groups_B[None]).to(reached_BP.dtype)
        loss = info_nce(
            batch.images_BP,
            reached_BP,
            temperature=self.config.temperature,
            positives_BB=is_same,
        )
        return {"loss": loss}
