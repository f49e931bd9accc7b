"""The student: from an image alone to probabilities over drugs.

Shapes: B inputs, C channels, H x W pixels, T patches, D embedding width, K drugs, N any rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from napari_tide.students.codebook import Codebook, CodebookConfig
from napari_tide.students.encoders.build import build_encoder
from napari_tide.students.encoders.encoder import Encoded
from napari_tide.students.encoders.encoder_config import EncoderConfig


class StudentConfig(BaseModel):
    """Everything needed to build a student again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: EncoderConfig
    codebook: CodebookConfig
    tau: float = Field(default=0.07, gt=0, description="Temperature of the softmax over drugs")


class Student(nn.Module):
    """An encoder, a head of two linear layers, a codebook and a temperature.

    What is stored of an image is its embedding z; everything about drugs is computed from z and the
    codebook when asked, so another drug costs one matrix product.
    """

    def __init__(self, config: StudentConfig, drug_features_KF: torch.Tensor) -> None:
        super().__init__()
        width = config.encoder.width
        self.config = config
        self.encoder = build_encoder(config.encoder)
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.codebook = Codebook(config.codebook, width, drug_features_KF)
        self.calibration_temperature = 1.0

    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode a batch; the pooled embedding is what profiles store."""
        encoded: Encoded = self.encoder(images_BCHW, channels)
        return encoded

    def place(self, embeddings_ND: torch.Tensor) -> torch.Tensor:
        """Give where embeddings (pooled or patches) lie among the prototypes, length one."""
        return functional.normalize(self.head(embeddings_ND), dim=-1)

    def similarities(
        self, embeddings_ND: torch.Tensor, prototypes_KD: torch.Tensor
    ) -> torch.Tensor:
        """Give the cosine of every embedding with every prototype."""
        return self.place(embeddings_ND) @ prototypes_KD.T

    def logits(self, embeddings_ND: torch.Tensor) -> torch.Tensor:
        """Give cosines over the training temperature, as the losses see them."""
        return self.similarities(embeddings_ND, self.codebook()) / self.config.tau

    def probabilities(self, embeddings_ND: torch.Tensor) -> torch.Tensor:
        """Give calibrated probabilities over the training drugs."""
        return functional.softmax(self.logits(embeddings_ND) / self.calibration_temperature, dim=-1)

    def top_drugs(
        self, embeddings_ND: torch.Tensor, n: int = 5
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the `n` most probable drugs of each row: probabilities, and drug positions."""
        probabilities_NK = self.probabilities(embeddings_ND)
        top = probabilities_NK.topk(min(n, probabilities_NK.shape[-1]), dim=-1)
        return top.values, top.indices
