"""Augmentations of fluorescence images, batched on the device, the same for every method.

Flips and right-angle turns, and per channel: gain, background, contrast and blur. No
colour jitter made for photographs. Pixels lie in [0, 1].

Shapes: B images, C channels, H x W pixels.
"""

from __future__ import annotations

import math

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn import functional

from tide_train.data.sample_random import SampleRandom

Range = tuple[float, float]


class AugmentConfig(BaseModel):
    """How strong each augmentation is; all off leaves images as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: bool = Field(default=True, title="Turns", description="Flips and right-angle turns")
    gain: Range = Field(default=(0.8, 1.2), title="Gain", description="Brightness of each channel")
    background: float = Field(
        default=0.05, ge=0, title="Background", description="Most that is added to a channel"
    )
    contrast: Range = Field(
        default=(0.8, 1.3), title="Contrast", description="Stretch about the channel's mean"
    )
    blur_px: Range = Field(
        default=(0.1, 1.5), title="Blur (px)", description="Width of a Gaussian blur"
    )
    blur_share: float = Field(
        default=0.3, ge=0, le=1, title="Blur share", description="Share of channels blurred"
    )

    @classmethod
    def off(cls) -> AugmentConfig:
        """Leave images as they are."""
        return cls(
            turns=False, gain=(1, 1), background=0, contrast=(1, 1), blur_px=(0, 0), blur_share=0
        )


def augment(images_BCHW: torch.Tensor, config: AugmentConfig, random: SampleRandom) -> torch.Tensor:
    """Augment every image of a batch differently."""
    images_BCHW = turn_at_random(images_BCHW, random) if config.turns else images_BCHW
    shape = (*images_BCHW.shape[:2], 1, 1)
    gain = _uniform(shape, config.gain, images_BCHW, random)
    contrast = _uniform(shape, config.contrast, images_BCHW, random)
    background = _uniform(shape, (0.0, config.background), images_BCHW, random)
    mean = images_BCHW.mean((2, 3), keepdim=True)
    # ((images - mean) * contrast + mean) * gain + background, in one pass over the pixels
    shift = mean * (1 - contrast) * gain + background
    changed = torch.addcmul(shift, images_BCHW, contrast * gain)
    if config.blur_share:
        changed = blur_at_random(changed, config.blur_px, config.blur_share, random)
    return changed.clamp(0, 1)


def turn_at_random(images_BCHW: torch.Tensor, random: SampleRandom) -> torch.Tensor:
    """Flip and turn each image into one of its eight orientations; images must be square."""
    side = images_BCHW.shape[-1]
    flips_B3 = random.uniform((len(images_BCHW), 3)).to(images_BCHW.device) < 0.5
    down_B, across_B, transpose_B = (flips_B3[:, i, None, None] for i in range(3))
    places = torch.arange(side, device=images_BCHW.device)
    rows_SS, columns_SS = torch.meshgrid(places, places, indexing="ij")
    # where each pixel comes from, so that images are read and written once
    row_BSS = torch.where(transpose_B, columns_SS, rows_SS)
    column_BSS = torch.where(transpose_B, rows_SS, columns_SS)
    row_BSS = torch.where(down_B, side - 1 - row_BSS, row_BSS)
    column_BSS = torch.where(across_B, side - 1 - column_BSS, column_BSS)
    source_BCQ = (
        (row_BSS * side + column_BSS).flatten(1)[:, None].expand(-1, images_BCHW.shape[1], -1)
    )
    return images_BCHW.flatten(2).gather(2, source_BCQ).reshape(images_BCHW.shape)


def blur_at_random(
    images_BCHW: torch.Tensor, width_px: Range, share: float, random: SampleRandom
) -> torch.Tensor:
    """Blur a share of all channels, each with a Gaussian of its own width."""
    planes = images_BCHW.reshape(-1, *images_BCHW.shape[2:])
    widths = _uniform((len(planes),), width_px, images_BCHW, random)
    is_chosen = (random.uniform((len(planes),)) < share).to(planes.device)
    radius = max(math.ceil(3 * width_px[1]), 1)
    if planes.device.type != "cpu":
        return blur_all(planes, widths * is_chosen, radius).reshape(images_BCHW.shape)
    chosen = is_chosen.nonzero()[:, 0]
    if not len(chosen):
        return images_BCHW
    blurred = blur_all(planes[chosen], widths[chosen], radius)
    return planes.index_copy(0, chosen, blurred).reshape(images_BCHW.shape)


def blur_all(planes_NHW: torch.Tensor, widths_N: torch.Tensor, radius: int) -> torch.Tensor:
    """Blur each plane with a Gaussian of its own width; a width of zero leaves it as it is.

    On an accelerator all planes go through here, blurred or not: to pick some, the host would have
    to wait until the device has counted them.

    Parameters
    ----------
    planes_NHW
        What is blurred; edges are reflected.
    widths_N
        Standard deviations in pixels.
    radius
        How far the Gaussians reach.
    """
    steps = torch.arange(-radius, radius + 1, device=planes_NHW.device, dtype=planes_NHW.dtype)
    taps_NK = torch.exp(-0.5 * (steps / widths_N.clamp_min(1e-3)[:, None]) ** 2)
    taps_NK = taps_NK / taps_NK.sum(1, keepdim=True)
    if planes_NHW.device.type == "cpu":
        return _blur_by_taps(planes_NHW, taps_NK)
    # half numbers, as where crops are cut
    return blur_by_products(planes_NHW.half(), taps_NK.half()).to(planes_NHW.dtype)


def _blur_by_taps(planes_NHW: torch.Tensor, taps_NK: torch.Tensor) -> torch.Tensor:
    n_planes, radius = len(planes_NHW), taps_NK.shape[1] // 2
    padded = functional.pad(planes_NHW[None], (radius,) * 4, mode="reflect")
    blurred = functional.conv2d(padded, taps_NK[:, None, None, :], groups=n_planes)
    blurred = functional.conv2d(blurred, taps_NK[:, None, :, None], groups=n_planes)
    return blurred[0]


def blur_by_products(planes_NHW: torch.Tensor, taps_NK: torch.Tensor) -> torch.Tensor:
    """Blur by two matrix products a plane, which accelerators do faster than thousands of filters.

    Parameters
    ----------
    planes_NHW
        What is blurred; edges are reflected.
    taps_NK
        An odd number of weights for each plane.
    """
    _, height, width = planes_NHW.shape
    down_NHH, across_NWW = (_blur_matrices(taps_NK, side) for side in (height, width))
    return down_NHH @ planes_NHW @ across_NWW.transpose(1, 2)


def _blur_matrices(taps_NK: torch.Tensor, side: int) -> torch.Tensor:
    """Give for each plane what every pixel of a line takes from every other."""
    n_taps = taps_NK.shape[1]
    places = torch.arange(side, device=taps_NK.device)
    offsets = torch.arange(n_taps, device=taps_NK.device) - n_taps // 2
    taken_KS = (places + offsets[:, None]).abs()
    taken_KS = (side - 1) - ((side - 1) - taken_KS).abs()  # reflected at either edge
    which_KSS = functional.one_hot(taken_KS, side).to(taps_NK.dtype)
    return (taps_NK @ which_KSS.reshape(n_taps, -1)).reshape(-1, side, side)


def _uniform(
    shape: tuple[int, ...], between: Range, like: torch.Tensor, random: SampleRandom
) -> torch.Tensor:
    low, high = between
    return (low + (high - low) * random.uniform(shape)).to(like.device, like.dtype)
