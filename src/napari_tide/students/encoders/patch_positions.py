"""Position embeddings that follow the input's size.

The grid is resized as in the published DINO code: bicubic, with a scale factor nudged by 0.1 so
that rounding never loses a row. The nudge shifts the sampling points a little; weights trained that
way expect it, so it is kept (checked against that code's output).
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def resize_positions(
    positions_1ND: torch.Tensor, grid_hw: tuple[int, int], *, always: bool = False
) -> torch.Tensor:
    """Give patch positions (without a class token) for a grid of another size.

    Parameters
    ----------
    positions_1ND
        Embeddings of a square grid, row by row.
    grid_hw
        Patches along height and width.
    always
        Resample even when the grid already fits; the published ChannelViT code does so, because it
        counts patches of all channels.
    """
    side = math.isqrt(positions_1ND.shape[1])
    assert side * side == positions_1ND.shape[1], "trained positions lie on a square grid"
    if grid_hw == (side, side) and not always:
        return positions_1ND
    grid = positions_1ND.reshape(1, side, side, -1).permute(0, 3, 1, 2)
    scale = ((grid_hw[0] + 0.1) / side, (grid_hw[1] + 0.1) / side)
    resized = functional.interpolate(grid.float(), scale_factor=scale, mode="bicubic")
    assert resized.shape[-2:] == grid_hw
    return resized.permute(0, 2, 3, 1).flatten(1, 2).to(positions_1ND.dtype)
