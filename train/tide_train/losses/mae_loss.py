"""The masked autoencoder's target: pixels of the patches that were hidden (He et al. 2022).

Shapes: B images, C channels, T patches, P pixels of a patch (rows, columns, channels).
"""

from __future__ import annotations

import torch


def to_patches(images_BCHW: torch.Tensor, patch_px: int) -> torch.Tensor:
    """Cut images into patches, B x T x P; within a patch pixels run row, column, channel."""
    n_images, n_channels, height, width = images_BCHW.shape
    rows, columns = height // patch_px, width // patch_px
    grid = images_BCHW.reshape(n_images, n_channels, rows, patch_px, columns, patch_px)
    return grid.permute(0, 2, 4, 3, 5, 1).reshape(n_images, rows * columns, -1)


def to_images(patches_BTP: torch.Tensor, patch_px: int, grid_hw: tuple[int, int]) -> torch.Tensor:
    """Put patches together again: the inverse of `to_patches`."""
    n_images, (rows, columns) = len(patches_BTP), grid_hw
    grid = patches_BTP.reshape(n_images, rows, columns, patch_px, patch_px, -1)
    return grid.permute(0, 5, 1, 3, 2, 4).reshape(n_images, -1, rows * patch_px, columns * patch_px)


def mae_loss(
    predicted_BTP: torch.Tensor,
    patches_BTP: torch.Tensor,
    is_hidden_BT: torch.Tensor,
    *,
    normalises_patches: bool = True,
) -> torch.Tensor:
    """Give the mean squared error over hidden patches, by default standardised patch by patch."""
    target_BTP = patches_BTP
    if normalises_patches:
        mean = patches_BTP.mean(dim=-1, keepdim=True)
        variance = patches_BTP.var(dim=-1, keepdim=True)
        target_BTP = (patches_BTP - mean) / (variance + 1e-6).sqrt()
    error_BT = ((predicted_BTP - target_BTP) ** 2).mean(dim=-1)
    hidden_BT = is_hidden_BT.to(error_BT.dtype)
    return (error_BT * hidden_BT).sum() / hidden_BT.sum()
