"""CL(D): images and the structures of their drugs meet in a contrastive space.

With `beta` it is the hybrid with DINO. The structure side is whatever describes the codebook's
drugs: FCFP, or ChemBERTa where its weights are there.

Shapes: B samples, L labelled samples, K drugs, D width.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import nn

from tide_train.data.batch import Batch
from tide_train.losses.info_nce import info_nce
from tide_train.methods.method import Losses, Method, MethodConfig, MethodInputs
from tide_train.methods.self_distillation import (
    SelfDistillation,
    SelfDistillationConfig,
    embed_crops,
)
from tide_train.parallel import gather_labels, gather_rows
from tide_train.seeding import seeded


class ClDConfig(MethodConfig):
    """Settings of image-structure contrast."""

    kind: Literal["cl_d"] = "cl_d"
    width: int = Field(
        default=256, ge=2, title="Shared width", description="Width of the shared space"
    )
    temperature: float = Field(
        default=0.07,
        gt=0,
        title="Contrast temperature",
        description="Lower asks for sharper differences between pairs",
    )
    beta: float = Field(
        default=0.0, ge=0, title="Self-supervision (beta)", description="Weight of DINO beside it"
    )
    ssl: SelfDistillationConfig = Field(
        default=SelfDistillationConfig(), title="Self-supervision", description="DINO's settings"
    )


class ClD(Method):
    """An image's positives are the structures of its own drug."""

    def __init__(self, config: ClDConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.config = config
        encoder_width = inputs.student.encoder.width
        features_KF = inputs.student.codebook.features_KF
        with seeded(inputs.seed, "cl_d heads"):
            self.image_head = nn.Linear(encoder_width, config.width)
            self.drug_head = nn.Sequential(
                nn.Linear(features_KF.shape[1], encoder_width),
                nn.GELU(),
                nn.Linear(encoder_width, config.width),
            )
        self.ssl = SelfDistillation(config.ssl, inputs) if config.beta else None

    def forward(self, batch: Batch) -> Losses:
        """Give the contrastive loss of the labelled samples, and DINO's where it takes part."""
        if self.ssl is None:
            views = [self.views.one(batch.samples, batch.random)]
        else:
            views = self.views.many(batch.samples, batch.random)
        embeddings = embed_crops(self.student.encoder, views)
        parts = {"contrast": self._contrast(embeddings[0], batch)}
        total = parts["contrast"]
        if self.ssl is not None:
            parts["ssl"] = self.ssl(views, embeddings, batch.step)
            total = total + self.config.beta * parts["ssl"]
        return {"loss": total, **parts}

    def _contrast(self, embeddings_BD: torch.Tensor, batch: Batch) -> torch.Tensor:
        here_L = batch.labelled_L
        drugs_L = batch.drugs_B[here_L]
        features_LF = self.student.codebook.features_KF[drugs_L].to(embeddings_BD.dtype)
        images = gather_rows(self.image_head(embeddings_BD[here_L]))
        drugs = gather_rows(self.drug_head(features_LF))
        labels = gather_labels(drugs_L)
        if len(labels) < 2:
            return (images.sum() + drugs.sum()) * 0.0
        is_same = (labels[:, None] == labels[None]).to(images.dtype)
        return info_nce(images, drugs, temperature=self.config.temperature, positives_BB=is_same)

    def spaces(self, embeddings_ND: torch.Tensor) -> dict[str, torch.Tensor]:
        """Give the contrastive space beside the trunk's."""
        return {"trunk": embeddings_ND, "head": self.image_head(embeddings_ND)}

    def after_step(self, step: int) -> None:
        """Move DINO's average where it takes part."""
        if self.ssl is not None:
            self.ssl.follow(self.student.encoder, step)
