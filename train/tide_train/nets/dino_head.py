"""DINO's projection head: three layers, a bottleneck of length one, prototypes of length one."""

from __future__ import annotations

import torch
from timm.layers import trunc_normal_
from torch import nn
from torch.nn import functional


class DinoHead(nn.Module):
    """Embedding in, prototype scores out; the last layer's rows always have length one."""

    def __init__(
        self, width: int, n_outputs: int, *, hidden: int = 2048, bottleneck: int = 256
    ) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, bottleneck),
        )
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)
        self.prototypes_OD = nn.Parameter(torch.empty(n_outputs, bottleneck))
        nn.init.kaiming_uniform_(self.prototypes_OD, a=5**0.5)

    def forward(self, embeddings_ND: torch.Tensor) -> torch.Tensor:
        """Score embeddings against the prototypes."""
        projected_ND = functional.normalize(self.mlp(embeddings_ND), dim=-1)
        return projected_ND @ functional.normalize(self.prototypes_OD, dim=1).T
