"""The codebook: one prototype per drug, organised by chemistry.

v_k = normalise(MLP(m_k) + r_k), with m_k the drug's molecular features and r_k a residual of its
own that starts at zero. A drug that was never in training has no residual, but still a prototype.

Shapes: K drugs, F molecular features, D embedding width, N any rows.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn
from torch.nn import functional

from napari_tide.chem.feature_settings import FeatureSettings
from napari_tide.errors import StudentValueError

CodebookMode = Literal["learned", "mlp", "fixed", "none"]


class CodebookConfig(BaseModel):
    """How drugs become prototypes.

    ``learned``: MLP and residual train. ``mlp``: no residual. ``fixed``: a frozen random projection
    of the features. ``none``: a free prototype per drug that knows no chemistry.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: CodebookMode = "learned"
    features: FeatureSettings | None = Field(
        default=None,
        description="How the drugs' features were computed; without it a SMILES has no prototype",
    )
    n_drugs: int = Field(ge=1)
    n_features: int = Field(ge=1)
    hidden: int = Field(default=512, ge=1)

    @model_validator(mode="after")
    def _has_the_features_it_names(self) -> Self:
        if self.features is not None and self.features.n_features != self.n_features:
            message = (
                f"{self.features.kind} as described gives {self.features.n_features} molecular "
                f"features, n_features is {self.n_features}"
            )
            raise ValueError(message)
        return self


class Codebook(nn.Module):
    """Prototypes of the training drugs, and of any other drug by its features."""

    features_KF: torch.Tensor
    projection_FD: torch.Tensor

    def __init__(self, config: CodebookConfig, width: int, features_KF: torch.Tensor) -> None:
        super().__init__()
        expected = (config.n_drugs, config.n_features)
        if tuple(features_KF.shape) != expected:
            message = f"drug features have shape {tuple(features_KF.shape)}, expected {expected}"
            raise StudentValueError(message)
        self.mode = config.mode
        self.register_buffer("features_KF", features_KF)
        if config.mode in ("learned", "mlp"):
            self.mlp = nn.Sequential(
                nn.Linear(config.n_features, config.hidden),
                nn.GELU(),
                nn.Linear(config.hidden, width),
            )
        if config.mode == "learned":
            self.residual_KD = nn.Parameter(torch.zeros(config.n_drugs, width))
        if config.mode == "none":
            self.free_KD = nn.Parameter(torch.randn(config.n_drugs, width) / width**0.5)
        if config.mode == "fixed":
            projection = torch.randn(config.n_features, width) / config.n_features**0.5
            self.register_buffer("projection_FD", projection)

    def forward(self) -> torch.Tensor:
        """Give the training drugs' prototypes, K x D, each of length one."""
        if self.mode == "none":
            return functional.normalize(self.free_KD, dim=1)
        raw_KD = self._from_features(self.features_KF)
        if self.mode == "learned":
            raw_KD = raw_KD + self.residual_KD
        return functional.normalize(raw_KD, dim=1)

    def prototypes_of(self, features_NF: torch.Tensor) -> torch.Tensor:
        """Give prototypes of drugs that were never trained on, straight from their features.

        Raises
        ------
        StudentValueError
            The codebook knows no chemistry, or the features are of another kind.
        """
        if self.mode == "none":
            message = "this student's codebook knows no chemistry (mode 'none'); use a trained drug"
            raise StudentValueError(message)
        if features_NF.shape[-1] != self.features_KF.shape[1]:
            message = (
                f"{features_NF.shape[-1]} molecular features given, but this codebook was trained "
                f"on {self.features_KF.shape[1]}"
            )
            raise StudentValueError(message)
        return functional.normalize(self._from_features(features_NF), dim=1)

    def _from_features(self, features_NF: torch.Tensor) -> torch.Tensor:
        if self.mode == "fixed":
            return features_NF.to(self.projection_FD.dtype) @ self.projection_FD
        raw_ND: torch.Tensor = self.mlp(features_NF.to(next(self.mlp.parameters()).dtype))
        return raw_ND
