"""Predicts how a drug at a dose changes expression, from a line's untreated expression.

Shape legend: M untreated profiles, T tokens, B samples, E width of the scGPT encoder,
F molecular features, G genes.
"""

from __future__ import annotations

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.nn import functional

from tide_train.nets.scgpt import ScGPT


class PredictorConfig(BaseModel):
    """Sizes of everything around the encoder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_genes: int = Field(ge=1, description="Genes predicted")
    n_features: int = Field(ge=1, description="Molecular features of a drug")
    drug_width: int = Field(default=64, ge=1, description="Width of the drug's embedding")
    dose_width: int = Field(default=32, ge=1, description="Width of the dose's embedding")
    hidden: int = Field(default=256, ge=1, description="Width inside the response network")
    dropout: float = Field(default=0.1, ge=0, lt=1)


class ResponsePredictor(nn.Module):
    """MLP([scGPT_CLS(basal) | MLP_2(drug features) | Linear(dose)]), in units of the data.

    The last layer's output is multiplied by `scale_G` and added to `centre_G`, the spread and mean
    of the training targets, so that an untrained predictor begins at the mean.
    """

    centre_G: torch.Tensor
    scale_G: torch.Tensor

    def __init__(self, encoder: ScGPT, config: PredictorConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder
        self.drug_mlp = nn.Sequential(
            nn.Linear(config.n_features, config.drug_width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.drug_width, config.drug_width),
        )
        self.dose_layer = nn.Linear(1, config.dose_width)
        joined = encoder.config.embsize + config.drug_width + config.dose_width
        self.response_mlp = nn.Sequential(
            nn.Linear(joined, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.n_genes),
        )
        self.register_buffer("centre_G", torch.zeros(config.n_genes))
        self.register_buffer("scale_G", torch.ones(config.n_genes))

    def encode_basal(self, ids_MT: torch.Tensor, values_MT: torch.Tensor) -> torch.Tensor:
        """Give the cell-type encoding of untreated profiles: token 0, of length one."""
        return functional.normalize(self.encoder(ids_MT, values_MT)[:, 0], dim=1)

    def forward(
        self, cell_BE: torch.Tensor, features_BF: torch.Tensor, doses_B: torch.Tensor
    ) -> torch.Tensor:
        """Predict perturbed expression.

        Parameters
        ----------
        cell_BE
            Encodings of untreated expression, as `encode_basal` gives them; profiles shared by
            many samples are encoded once and gathered, and the gradient still reaches the encoder.
        features_BF
            Molecular features.
        doses_B
            In [0, 1] over the data's range of log10 µM.
        """
        # a row of length one has entries of 1/sqrt(E); the others are about one
        cell_BE = cell_BE * math.sqrt(cell_BE.shape[1])
        dose_BD = self.dose_layer(doses_B[:, None])
        joined = torch.cat([cell_BE, self.drug_mlp(features_BF), dose_BD], dim=1)
        predicted_BG: torch.Tensor = self.centre_G + self.scale_G * self.response_mlp(joined)
        return predicted_BG
