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
    changed = ((images_BCHW - mean) * contrast + mean) * gain + background
    if config.blur_share:
        changed = blur_at_random(changed, config.blur_px, config.blur_share, random)
    return changed.clamp(0, 1)


def turn_at_random(images_BCHW: torch.Tensor, random: SampleRandom) -> torch.Tensor:
    """Flip and turn each image into one of its eight orientations; images must be square."""
    device = images_BCHW.device
    flips_B3 = random.uniform((len(images_BCHW), 3)).to(device) < 0.5
    down, across, transpose = (flips_B3[:, i, None, None, None] for i in range(3))
    turned = torch.where(down, images_BCHW.flip(2), images_BCHW)
    turned = torch.where(across, turned.flip(3), turned)
    return torch.where(transpose, turned.transpose(2, 3), turned)


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
    kernels = torch.exp(-0.5 * (steps / widths_N.clamp_min(1e-3)[:, None]) ** 2)
    kernels = kernels / kernels.sum(1, keepdim=True)
    n_planes = len(planes_NHW)
    padded = functional.pad(planes_NHW[None], (radius,) * 4, mode="reflect")
    blurred = functional.conv2d(padded, kernels[:, None, None, :], groups=n_planes)
    blurred = functional.conv2d(blurred, kernels[:, None, :, None], groups=n_planes)
    return blurred[0]


def _uniform(
    shape: tuple[int, ...], between: Range, like: torch.Tensor, random: SampleRandom
) -> torch.Tensor:
    low, high = between
    return (low + (high - low) * random.uniform(shape)).to(like.device, like.dtype)
