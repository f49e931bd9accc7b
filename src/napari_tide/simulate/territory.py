"""Which cell each pixel belongs to, and how near it lies to that cell's border.

Every cell scores the pixels of a patch around it: below 0 in its nucleus, 0 to 1 from there to its
edge. A pixel goes to the lowest score; the runner-up tells how far the neighbour is. Both come
from integer minima, so the order in which patches arrive does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_tide.simulate.outlines import N_DIRECTIONS, Outlines, direction_bin

_CELL_BITS = 24
_SCORE_STEPS = 2.0**32
_LOWEST_SCORE = -16.0
_PATCH_SIDES_PX = (56, 72, 92, 116, 160)


@dataclass(frozen=True, slots=True)
class Territory:
    """For each pixel of N sites (N H W, flat): its cell, and the second-lowest score.

    Pixels outside every cell have cell M, one past the last; scores end at 1.
    """

    owner: Tensor
    rival: Tensor


def claim_pixels(
    cells: Mapping[str, Tensor],
    outlines: Outlines,
    *,
    site_M: Tensor,
    groups: Sequence[tuple[int, Tensor]],
    n_sites: int,
    image_px: int,
) -> Territory:
    """Give every pixel to the cell with the lowest score there.

    ``groups`` are the cells by the side of their patch, from `patch_groups`.
    """
    n_pixels = n_sites * image_px * image_px
    nobody = _key(torch.ones(1, dtype=cells["x"].dtype), torch.tensor([len(site_M)]))
    first = nobody.to(site_M.device).repeat(n_pixels + 1)
    second = first.clone()
    claims = [
        _score_patches(
            cells, outlines, site_M, group, side=side, image_px=image_px, n_pixels=n_pixels
        )
        for side, group in groups
    ]
    for pixel, key in claims:
        first.scatter_reduce_(0, pixel, key, "amin")
    for pixel, key in claims:
        lost = torch.where(first[pixel] == key, nobody.to(key.device), key)
        second.scatter_reduce_(0, pixel, lost, "amin")
    owner_Q = first[:-1] & ((1 << _CELL_BITS) - 1)
    rival_Q = (second[:-1] >> _CELL_BITS).to(cells["x"].dtype) / _SCORE_STEPS + _LOWEST_SCORE
    return Territory(owner_Q, rival_Q)


def patch_groups(reach_M: Tensor) -> list[tuple[int, Tensor]]:
    """Sort cells by the smallest patch that holds them whole."""
    groups, taken = [], torch.zeros_like(reach_M, dtype=torch.bool)
    for side in _PATCH_SIDES_PX:
        fits = (reach_M <= side / 2 - 1) & ~taken
        taken |= fits
        members = fits.nonzero()[:, 0]
        if len(members):
            groups.append((side, members))
    assert bool(taken.all())
    return groups


def _key(score: Tensor, cell: Tensor) -> Tensor:
    """Pack a score and a cell into one integer that sorts by score, then cell."""
    level = ((score - _LOWEST_SCORE) * _SCORE_STEPS).long()
    return (level << _CELL_BITS) | cell


def _score_patches(
    cells: Mapping[str, Tensor],
    outlines: Outlines,
    site_M: Tensor,
    member_G: Tensor,
    *,
    side: int,
    image_px: int,
    n_pixels: int,
) -> tuple[Tensor, Tensor]:
    """Score one group's patches; give the flat pixel and the key of each, pixel Q for off-field."""
    x_G, y_G = cells["x"][member_G], cells["y"][member_G]
    steps_P = torch.arange(side, device=x_G.device) - side // 2
    column_GP, row_GP = (c.floor().long()[:, None] + steps_P for c in (x_G, y_G))
    dx = (column_GP - x_G[:, None])[:, None, :]
    dy = (row_GP - y_G[:, None])[:, :, None]
    entry = direction_bin(dx, dy) + (member_G * N_DIRECTIONS)[:, None, None]
    distance = torch.sqrt(dx * dx + dy * dy)
    score = (distance - outlines.core.take(entry)) / outlines.span.take(entry)
    inside_x = (column_GP >= 0) & (column_GP < image_px)
    inside_y = (row_GP >= 0) & (row_GP < image_px)
    pixel = (site_M[member_G, None] * image_px + row_GP)[:, :, None] * image_px
    pixel = pixel + column_GP[:, None, :]
    counts = inside_x[:, None, :] & inside_y[:, :, None] & (score < 1)
    pixel = torch.where(counts, pixel, n_pixels)
    return pixel.reshape(-1), _key(score.clamp(-8, 1), member_G[:, None, None]).reshape(-1)
