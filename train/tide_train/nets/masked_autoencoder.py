"""A masked autoencoder around the plain ViT: the encoder sees a quarter of the patches.

The encoder is the product's own `ViTEncoder`, so what is pretrained here is what a student uses.
Written from He et al. 2022.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from timm.layers import trunc_normal_
from timm.models.vision_transformer import Block
from torch import nn

from napari_tide.students.encoders.patch_positions import resize_positions
from napari_tide.students.encoders.vit import ViTEncoder, patch_grid


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What the decoder says about every patch, and which patches the encoder did not see."""

    predicted_BTP: torch.Tensor
    is_hidden_BT: torch.Tensor


class MaskedAutoencoder(nn.Module):
    """Hide patches, encode the rest, predict the pixels of all."""

    def __init__(
        self,
        encoder: ViTEncoder,
        *,
        decoder_width: int = 512,
        decoder_depth: int = 8,
        decoder_heads: int = 16,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        n_positions = encoder.trunk.pos_embed.shape[1]
        n_pixels = encoder.patch_px**2 * len(encoder.channels)
        self.decoder_embed = nn.Linear(encoder.width, decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder_width))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, n_positions, decoder_width))
        norm = partial(nn.LayerNorm, eps=1e-6)
        blocks = (
            Block(decoder_width, decoder_heads, qkv_bias=True, norm_layer=norm)
            for _ in range(decoder_depth)
        )
        self.decoder_blocks = nn.Sequential(*blocks)
        self.decoder_norm = norm(decoder_width)
        self.decoder_pred = nn.Linear(decoder_width, n_pixels)
        trunc_normal_(self.mask_token, std=0.02)
        trunc_normal_(self.decoder_pos_embed, std=0.02)

    def forward(
        self,
        images_BCHW: torch.Tensor,
        *,
        hidden_share: float = 0.75,
        noise_BT: torch.Tensor | None = None,
    ) -> Reconstruction:
        """Reconstruct images of which a share is hidden.

        Parameters
        ----------
        images_BCHW
            In the encoder's channel order.
        hidden_share
            How many of the patches the encoder does not see.
        noise_BT
            A number per patch; those with the smallest are seen. Drawn at random by default.
        """
        grid_hw = patch_grid(images_BCHW, self.encoder.patch_px)
        n_patches = grid_hw[0] * grid_hw[1]
        if noise_BT is None:
            noise_BT = torch.rand(len(images_BCHW), n_patches, device=images_BCHW.device)
        order_BT = noise_BT.argsort(dim=1)
        restore_BT = order_BT.argsort(dim=1)
        n_seen = int(n_patches * (1 - hidden_share))
        seen_BSD = self._encode_seen(images_BCHW, order_BT[:, :n_seen], grid_hw)
        return Reconstruction(self._decode(seen_BSD, restore_BT, grid_hw), restore_BT >= n_seen)

    def _encode_seen(
        self, images_BCHW: torch.Tensor, seen_BS: torch.Tensor, grid_hw: tuple[int, int]
    ) -> torch.Tensor:
        trunk = self.encoder.trunk
        patches_BTD = trunk.patch_embed.proj(images_BCHW).flatten(2).transpose(1, 2)
        patches_BTD = patches_BTD + resize_positions(trunk.pos_embed[:, 1:], grid_hw)
        kept_BSD = _pick(patches_BTD, seen_BS)
        first = (trunk.cls_token + trunk.pos_embed[:, :1]).expand(len(images_BCHW), -1, -1)
        encoded: torch.Tensor = trunk.norm(trunk.blocks(torch.cat([first, kept_BSD], dim=1)))
        return encoded

    def _decode(
        self, seen_BSD: torch.Tensor, restore_BT: torch.Tensor, grid_hw: tuple[int, int]
    ) -> torch.Tensor:
        tokens_BSD = self.decoder_embed(seen_BSD)
        n_hidden = restore_BT.shape[1] + 1 - tokens_BSD.shape[1]
        masks = self.mask_token.expand(len(tokens_BSD), n_hidden, -1)
        patches_BTD = _pick(torch.cat([tokens_BSD[:, 1:], masks], dim=1), restore_BT)
        positions = self.decoder_pos_embed
        patches_BTD = patches_BTD + resize_positions(positions[:, 1:], grid_hw)
        first = tokens_BSD[:, :1] + positions[:, :1]
        decoded = self.decoder_blocks(torch.cat([first, patches_BTD], dim=1))
        predicted: torch.Tensor = self.decoder_pred(self.decoder_norm(decoded))[:, 1:]
        return predicted


def _pick(tokens_BTD: torch.Tensor, indices_BS: torch.Tensor) -> torch.Tensor:
    return tokens_BTD.gather(1, indices_BS[..., None].expand(-1, -1, tokens_BTD.shape[2]))
