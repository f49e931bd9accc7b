"""CL(R): images and transcriptomes of their treatment meet in a contrastive space.

With `beta` it is the hybrid with DINO; with `positives = "soft"` it is CL(soft), whose targets grow
with the likeness of the two treatments: same compound, nearby dose, same cell line.

Shapes: B samples, P paired samples, G genes, D width.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from tide_train.data.batch import Batch
from tide_train.losses.info_nce import info_nce
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs, paired
from tide_train.methods.self_distillation import (
    SelfDistillation,
    SelfDistillationConfig,
    embed_crops,
)
from tide_train.parallel import gather_labels, gather_rows, global_mean
from tide_train.seeding import seeded


class ClRConfig(MethodConfig):
    """Settings of image-transcriptome contrast."""

    kind: Literal["cl_r"] = "cl_r"
    width: int = Field(
        default=128, ge=2, title="Shared width", description="Width of the shared space"
    )
    temperature: float = Field(
        default=0.07,
        gt=0,
        title="Contrast temperature",
        description="Lower asks for sharper differences between pairs",
    )
    positives: Literal["condition", "pair", "soft"] = Field(
        default="condition",
        title="Positives",
        description="condition: same drug and line; pair: the pair alone; soft: by likeness",
    )
    dose_spread: float = Field(
        default=0.5,
        gt=0,
        title="Dose spread",
        description="Soft: powers of ten over which doses stay alike",
    )
    other_line: float = Field(
        default=0.3,
        ge=0,
        le=1,
        title="Other line",
        description="Soft: likeness of the same drug in another line",
    )
    beta: float = Field(
        default=0.0, ge=0, title="Self-supervision (beta)", description="Weight of DINO beside it"
    )
    ssl: SelfDistillationConfig = Field(
        default=SelfDistillationConfig(), title="Self-supervision", description="DINO's settings"
    )
    label_weight: float = Field(
        default=0.0,
        ge=0,
        title="Weight of labels",
        description="Of a drug classifier beside it (CE + CL(R))",
    )


class ClR(Method):
    """An image's positives are transcriptomes of its own treatment."""

    needs_pairs: ClassVar[bool] = True

    def __init__(self, config: ClRConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.config = config
        encoder_width = inputs.student.encoder.width
        with seeded(inputs.seed, "cl_r heads"):
            self.rna_encoder = nn.Sequential(
                nn.Linear(inputs.n_genes, encoder_width),
                nn.ReLU(),
                nn.Linear(encoder_width, encoder_width),
            )
            self.image_head = nn.Linear(encoder_width, config.width)
            self.rna_head = nn.Linear(encoder_width, config.width)
        self.ssl = SelfDistillation(config.ssl, inputs) if config.beta else None

    def forward(self, batch: Batch) -> Losses:
        """Give the contrastive loss of the paired samples, and DINO's where it takes part."""
        if self.ssl is None:
            views = [self.views.one(batch.samples, batch.random)]
        else:
            views = self.views.many(batch.samples, batch.random)
        embeddings = embed_crops(self.student.encoder, views)
        parts = {"contrast": self._contrast(embeddings[0], batch)}
        total = parts["contrast"]
        if self.config.label_weight:
            parts["labels"] = self._label_loss(embeddings[0], batch)
            total = total + self.config.label_weight * parts["labels"]
        if self.ssl is not None:
            parts["ssl"] = self.ssl(views, embeddings, batch.step)
            total = total + self.config.beta * parts["ssl"]
        return {"loss": total, **parts}

    def _label_loss(self, embeddings_BD: torch.Tensor, batch: Batch) -> torch.Tensor:
        logits_BK = self.student.logits(embeddings_BD)
        losses_B = functional.cross_entropy(logits_BK, batch.drugs_B.clamp_min(0), reduction="none")
        return global_mean(losses_B, batch.is_labelled)

    def _contrast(self, embeddings_BD: torch.Tensor, batch: Batch) -> torch.Tensor:
        partners = paired(batch)
        here_P = partners.samples_P
        images = gather_rows(self.image_head(embeddings_BD[here_P]))
        rna = gather_rows(self.rna_head(self.rna_encoder(partners.rna_PG)))
        positives = self._positives(batch)
        if len(images) < 2:
            return (images.sum() + rna.sum()) * 0.0
        return info_nce(images, rna, temperature=self.config.temperature, positives_BB=positives)

    def _positives(self, batch: Batch) -> torch.Tensor | None:
        """Say how much image i belongs to transcriptome j, over all processes."""
        partners = paired(batch)
        here_P = partners.samples_P
        drugs = gather_labels(batch.drugs_B[here_P])
        lines = gather_labels(batch.lines_B[here_P])
        image_doses = gather_rows(batch.log_doses_B[here_P, None])[:, 0]
        rna_doses = gather_rows(partners.log_doses_P[:, None])[:, 0]
        if self.config.positives == "pair":
            return None
        same_drug = (drugs[:, None] == drugs[None]).float()
        same_line = (lines[:, None] == lines[None]).float()
        if self.config.positives == "condition":
            return same_drug * same_line
        apart = torch.nan_to_num(image_doses[:, None] - rna_doses[None], nan=0.0)
        near = torch.exp(-0.5 * (apart / self.config.dose_spread) ** 2)
        return same_drug * near * (same_line + self.config.other_line * (1 - same_line))

    def spaces(self, embeddings_ND: torch.Tensor) -> dict[str, torch.Tensor]:
        """Give the contrastive space beside the trunk's."""
        contrastive: torch.Tensor = self.image_head(embeddings_ND)
        if self.config.label_weight:
            head: torch.Tensor = self.student.head(embeddings_ND)
            return {"trunk": embeddings_ND, "head": head, "mechanism": contrastive}
        return {"trunk": embeddings_ND, "head": contrastive}

    def after_step(self, step: int) -> None:
        """Move DINO's average where it takes part."""
        if self.ssl is not None:
            self.ssl.follow(self.student.encoder, step)
