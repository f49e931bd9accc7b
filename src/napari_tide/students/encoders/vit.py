"""The plain vision transformer: all channels enter one patch projection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from napari_tide.errors import StudentValueError
from napari_tide.students.encoders.encoder import Encoded, Encoder, reorder_all
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.encoders.patch_positions import resize_positions


class ViTEncoder(Encoder):
    """timm's ViT with any number of input channels and any input size."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.channels, config.width)
        self.patch_px = config.patch_px
        self.trunk = VisionTransformer(
            img_size=config.image_px,
            patch_size=config.patch_px,
            in_chans=len(config.channels),
            embed_dim=config.width,
            depth=config.depth,
            num_heads=config.heads,
            num_classes=0,
            global_pool="",
            drop_path_rate=config.drop_path,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
        )

    def forward(self, images_BCHW: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode tiles that have every trained channel, in any order."""
        tokens_BTD, grid_hw = self.tokens(reorder_all(images_BCHW, self, channels))
        patches_BTD = tokens_BTD[:, 1:]
        return Encoded(patches_BTD.mean(1), patches_BTD, grid_hw)

    def tokens(self, images_BCHW: torch.Tensor) -> tuple[torch.Tensor, tuple[int, int]]:
        """Give the normalised class token and patch tokens, and the patch grid."""
        grid_hw = patch_grid(images_BCHW, self.patch_px)
        patches_BTD = self.trunk.patch_embed.proj(images_BCHW).flatten(2).transpose(1, 2)
        positions_1ND = self.trunk.pos_embed
        patches_BTD = patches_BTD + resize_positions(positions_1ND[:, 1:], grid_hw)
        first = (self.trunk.cls_token + positions_1ND[:, :1]).expand(len(images_BCHW), -1, -1)
        tokens_BTD = self.trunk.blocks(torch.cat([first, patches_BTD], dim=1))
        return self.trunk.norm(tokens_BTD), grid_hw


def patch_grid(images_BCHW: torch.Tensor, patch_px: int) -> tuple[int, int]:
    """Give how many patches fit the input.

    Raises
    ------
    StudentValueError
        The input's sides are not multiples of the patch.
    """
    height, width = images_BCHW.shape[-2:]
    if height % patch_px or width % patch_px:
        message = f"a {height} x {width} tile cannot be cut into {patch_px}-px patches; resize it"
        raise StudentValueError(message)
    return height // patch_px, width // patch_px
