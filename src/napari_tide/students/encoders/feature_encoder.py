"""An encoder for labs that already have profiles: a small MLP over a table, no pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from napari_tide.students.encoders.encoder import Encoded, Encoder, reorder_all
from napari_tide.students.encoders.encoder_config import EncoderConfig


class FeatureEncoder(Encoder):
    """A residual MLP; its ``channels`` are the table's feature columns.

    Features are centred and scaled by statistics kept in the bundle; a value that is missing or
    infinite becomes the training mean.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.channels, config.width)
        n_features = len(config.channels)
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))
        self.entry = nn.Linear(n_features, config.width)
        self.blocks = nn.ModuleList(_block(config.width) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode rows of features (B x F); every trained column must be there, in any order."""
        rows_BF = reorder_all(images_BCHW, self, channels)
        scaled_BF = (rows_BF - self.mean) / self.scale
        hidden_BD = self.entry(torch.nan_to_num(scaled_BF, nan=0.0, posinf=0.0, neginf=0.0))
        for block in self.blocks:
            hidden_BD = hidden_BD + block(hidden_BD)
        pooled_BD = self.norm(hidden_BD)
        return Encoded(pooled_BD, pooled_BD[:, None], (1, 1))


def _block(width: int) -> nn.Module:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
    )
