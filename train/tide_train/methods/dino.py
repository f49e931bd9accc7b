"""DINO: self-supervision from images alone, no drug and no transcriptome."""

from __future__ import annotations

from typing import Literal

from torch import nn

from tide_train.data.batch import Batch
from tide_train.methods.method import Losses, Method, MethodInputs
from tide_train.methods.self_distillation import (
    SelfDistillation,
    SelfDistillationConfig,
    embed_crops,
)


class DinoConfig(SelfDistillationConfig):
    """Settings of DINO."""

    kind: Literal["dino"] = "dino"


class Dino(Method):
    """The student matches its own moving average over crops; the average is what is used."""

    def __init__(self, config: DinoConfig, inputs: MethodInputs) -> None:
        super().__init__(inputs)
        self.ssl = SelfDistillation(config, inputs)

    def forward(self, batch: Batch) -> Losses:
        """Give DINO's loss."""
        crops = self.views.many(batch.samples, batch.random)
        embeddings = embed_crops(self.student.encoder, crops)
        return {"loss": self.ssl(crops, embeddings, batch.step)}

    def after_step(self, step: int) -> None:
        """Move the average."""
        self.ssl.follow(self.student.encoder, step)

    @property
    def used_encoder(self) -> nn.Module:
        """Use the average, as the published evaluation does."""
        return self.ssl.teacher_encoder
