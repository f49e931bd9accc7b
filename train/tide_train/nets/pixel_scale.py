"""Start an encoder as if its pixels were centred and scaled.

Pixels lie in [0, 1] and are mostly dark, so an untrained patch projection sees all images as nearly
the same one. Folding mean and spread of each channel into its first weights gives the network the
input it is used to, and leaves encoders, bundles and pixels as they are.

Shapes: C channels, D width, P patch side.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_tide.students.encoders.channel_vit import ChannelViTEncoder
from napari_tide.students.encoders.encoder import Encoder
from napari_tide.students.encoders.fused_vit import FusedViTEncoder
from napari_tide.students.encoders.vit import ViTEncoder
from tide_train.data.tile_pack import TilePack

Rows = npt.NDArray[np.int64]

_N_TILES = 512
_LEAST_SPREAD = 1e-3


def pixel_statistics(pack: TilePack, training: Rows) -> tuple[torch.Tensor, torch.Tensor]:
    """Give mean and standard deviation of each channel over some training tiles."""
    chosen = np.random.default_rng(0).permutation(training)[:_N_TILES]
    tiles_NCHW = pack.read(np.sort(chosen)).astype(np.float32) / pack.max_value
    mean_C = tiles_NCHW.mean(axis=(0, 2, 3), dtype=np.float64)
    std_C = tiles_NCHW.std(axis=(0, 2, 3), dtype=np.float64)
    return torch.from_numpy(mean_C), torch.from_numpy(std_C)


@torch.no_grad()
def fold_pixel_scale(encoder: Encoder, mean_C: torch.Tensor, std_C: torch.Tensor) -> None:
    """Change the patch projection so that it gives for x what it gave for (x - mean) / std.

    Encoders that share one projection between channels get the mean over channels; those that
    standardise by themselves, and those without pixels, stay as they are.
    """
    projection = _projection(encoder)
    if projection is None:
        return
    if projection.in_channels == 1:
        mean_C, std_C = mean_C.mean()[None], std_C.mean()[None]
    scale_C = std_C.clamp_min(_LEAST_SPREAD).to(projection.weight)
    projection.weight /= scale_C[None, :, None, None]
    assert projection.bias is not None
    shift_DC = projection.weight.sum(dim=(2, 3)) * mean_C.to(projection.weight)
    projection.bias -= shift_DC.sum(dim=1)


def _projection(encoder: Encoder) -> nn.Conv2d | None:
    if isinstance(encoder, ViTEncoder | FusedViTEncoder):
        projection: nn.Conv2d = encoder.trunk.patch_embed.proj
        return projection
    if isinstance(encoder, ChannelViTEncoder) and not encoder.standardises_input:
        return encoder.projection
    return None
