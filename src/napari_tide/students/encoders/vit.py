"""The plain vision transformer: all channels enter one patch projection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional

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
        patches_BTD = project_patches(images_BCHW, self.trunk.patch_embed.proj)
        positions_1ND = self.trunk.pos_embed
        patches_BTD = patches_BTD + resize_positions(positions_1ND[:, 1:], grid_hw)
        first = (self.trunk.cls_token + positions_1ND[:, :1]).expand(len(images_BCHW), -1, -1)
        tokens_BTD = self.trunk.blocks(torch.cat([first, patches_BTD], dim=1))
        return self.trunk.norm(tokens_BTD), grid_hw


def project_patches(images_BCHW: torch.Tensor, projection: nn.Conv2d) -> torch.Tensor:
    """Cut images into patches and project each.

    It is a convolution, and on a CPU is run as one; on a GPU the convolution reorders whole images
    in memory first, which takes longer than the work, so there it is one product.
    """
    if images_BCHW.device.type == "cpu":
        patches_BTD: torch.Tensor = projection(images_BCHW).flatten(2).transpose(1, 2)
        return patches_BTD
    return project_at_once(images_BCHW, projection)


def project_at_once(images_BCHW: torch.Tensor, projection: nn.Conv2d) -> torch.Tensor:
    """Project patches, which do not overlap, by one product."""
    images, channels, height, width = images_BCHW.shape
    side = projection.kernel_size[0]
    grid = (images, channels, height // side, side, width // side, side)
    patches = images_BCHW.reshape(grid).permute(0, 2, 4, 1, 3, 5)
    flat_BTP = patches.reshape(images, -1, channels * side * side)
    return functional.linear(flat_BTP, projection.weight.flatten(1), projection.bias)


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
