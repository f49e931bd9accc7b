"""Channel-agnostic ViT that fuses channels before the transformer.

Each channel is projected on its own; at every patch a learned query attends over the channels that
are there, and one fused token enters a plain ViT. As cheap as the plain ViT, and any subset works.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.layers import trunc_normal_
from torch import nn

from napari_tide.students.encoders.encoder import Encoded, Encoder
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.patch_positions import resize_positions
from napari_tide.students.encoders.vit import ViTEncoder, patch_grid


class FusedViTEncoder(Encoder):
    """Attention over channels at each patch, then a plain ViT."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.channels, config.width)
        self.patch_px = config.patch_px
        plain = ViTEncoder(config.model_copy(update={"channels": config.channels[:1]}))
        self.trunk = plain.trunk
        self.channel_embed = nn.Parameter(torch.zeros(len(config.channels), config.width))
        self.fusion = nn.MultiheadAttention(config.width, config.heads, batch_first=True)
        self.fusion_norm = nn.LayerNorm(config.width, eps=1e-6)
        self.query = nn.Parameter(torch.zeros(1, 1, config.width))
        trunc_normal_(self.channel_embed, std=0.02)
        trunc_normal_(self.query, std=0.02)

    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode tiles with any subset of the trained channels."""
        here = self.positions(channels, images_BCHW.shape[1])
        grid_hw = patch_grid(images_BCHW, self.patch_px)
        fused_BTD = self._fuse(images_BCHW, here)
        positions_1ND = self.trunk.pos_embed
        fused_BTD = fused_BTD + resize_positions(positions_1ND[:, 1:], grid_hw)
        first = (self.trunk.cls_token + positions_1ND[:, :1]).expand(len(images_BCHW), -1, -1)
        tokens_BTD = self.trunk.norm(self.trunk.blocks(torch.cat([first, fused_BTD], dim=1)))
        patches_BTD = tokens_BTD[:, 1:]
        return Encoded(patches_BTD.mean(1), patches_BTD, grid_hw)

    def _fuse(self, images_BCHW: torch.Tensor, here: Sequence[int]) -> torch.Tensor:
        n_images, n_channels = images_BCHW.shape[:2]
        planes = self.trunk.patch_embed.proj(images_BCHW.flatten(0, 1).unsqueeze(1))
        tokens = planes.flatten(2).transpose(1, 2).reshape(n_images, n_channels, -1, self.width)
        tokens_NCD = (
            (tokens + self.channel_embed[list(here)][:, None]).transpose(1, 2).flatten(0, 1)
        )
        keys_NCD = self.fusion_norm(tokens_NCD)
        query_N1D = self.query.expand(len(keys_NCD), -1, -1)
        fused_N1D, _ = self.fusion(query_N1D, keys_NCD, keys_NCD, need_weights=False)
        fused_N1D = fused_N1D + tokens_NCD.mean(1, keepdim=True)
        fused_BTD: torch.Tensor = fused_N1D.reshape(n_images, -1, self.width)
        return fused_BTD
