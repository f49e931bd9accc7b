"""Channel-agnostic ViT: one patch projection for all channels, a token per patch and channel.

Accepts any named subset of the trained channels, in any order. Two published designs are special
cases: with a learned channel embedding and ordinary blocks (ChannelViT, Bao et al. 2024), and
without one, with parallel blocks and standardised input (channel-agnostic MAE, Kraus et al. 2024).
Written from the papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from timm.layers import trunc_normal_
from timm.models.vision_transformer import Block, ParallelScalingBlock
from torch import nn

from napari_tide.students.encoders.encoder import Encoded, Encoder
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.patch_positions import resize_positions
from napari_tide.students.encoders.vit import patch_grid


class ChannelViTEncoder(Encoder):
    """A token per patch and channel; the mean over both is the embedding."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.channels, config.width)
        side = config.image_px // config.patch_px
        self.patch_px = config.patch_px
        self.standardises_input = config.standardises_input
        self.resamples_positions = config.resamples_positions
        self.projection = nn.Conv2d(1, config.width, config.patch_px, stride=config.patch_px)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + side * side, config.width))
        self.channel_embed = (
            nn.Parameter(torch.zeros(len(config.channels), config.width))
            if config.has_channel_embedding
            else None
        )
        self.blocks = nn.Sequential(*(_block(config) for _ in range(config.depth)))
        self.norm = nn.LayerNorm(config.width, eps=1e-6) if config.has_final_norm else nn.Identity()
        for parameter in (self.cls_token, self.pos_embed, self.channel_embed):
            if parameter is not None:
                trunc_normal_(parameter, std=0.02)

    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode tiles with any subset of the trained channels."""
        tokens_BTD, grid_hw = self.tokens(images_BCHW, channels)
        n_channels = images_BCHW.shape[1]
        patches_BCTD = tokens_BTD[:, 1:].reshape(len(images_BCHW), n_channels, -1, self.width)
        patches_BTD = patches_BCTD.mean(1)
        return Encoded(patches_BTD.mean(1), patches_BTD, grid_hw)

    def tokens(
        self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None
    ) -> tuple[torch.Tensor, tuple[int, int]]:
        """Give the class token and the patch tokens, channel by channel, and the patch grid."""
        here = self.positions(channels, images_BCHW.shape[1])
        grid_hw = patch_grid(images_BCHW, self.patch_px)
        if self.standardises_input:
            images_BCHW = standardise(images_BCHW)
        n_images, n_channels = images_BCHW.shape[:2]
        planes = self.projection(images_BCHW.flatten(0, 1).unsqueeze(1))
        patches_BCTD = (
            planes.flatten(2).transpose(1, 2).reshape(n_images, n_channels, -1, self.width)
        )
        patches_BCTD = patches_BCTD + resize_positions(
            self.pos_embed[:, 1:], grid_hw, always=self.resamples_positions
        )
        if self.channel_embed is not None:
            patches_BCTD = patches_BCTD + self.channel_embed[here][:, None]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(n_images, -1, -1)
        tokens_BTD = torch.cat([first, patches_BCTD.flatten(1, 2)], dim=1)
        return self.norm(self.blocks(tokens_BTD)), grid_hw


def standardise(images_BCHW: torch.Tensor) -> torch.Tensor:
    """Centre and scale each channel of each tile (a constant channel becomes zero)."""
    mean = images_BCHW.mean((2, 3), keepdim=True)
    variance = images_BCHW.var((2, 3), keepdim=True, unbiased=False)
    return (images_BCHW - mean) / torch.sqrt(variance + 1e-5)


def _block(config: EncoderConfig) -> nn.Module:
    norm = partial(nn.LayerNorm, eps=1e-6)
    block: nn.Module
    if config.block == "parallel":
        block = ParallelScalingBlock(
            config.width, config.heads, qk_norm=True, init_values=1e-5, norm_layer=norm
        )
    else:
        block = Block(
            config.width, config.heads, qkv_bias=True, norm_layer=norm, drop_path=config.drop_path
        )
    return block
