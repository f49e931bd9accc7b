"""From photons of the stains to counts of the camera.

Order: haze and point spread, vignette and well edge, stain gain, photon and read noise, offset,
analogue-to-digital conversion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

COUNTS_PER_PHOTON = 0.4
"""2.5 photons a count: finer steps would only record noise, and files would grow by a third."""

READ_NOISE_PHOTONS = 1.6
SATURATION_COUNTS = 4095
"""A 12-bit converter."""

HAZE_SHARE = 0.20
"""Share of the light that comes from out of focus, spread over about 10 pixels."""

_HAZE_STEP = 4
_HAZE_SIGMA = 2.2
_LONGEST_TAP = 12
_VIGNETTE_BY_CHANNEL = (1.0, 0.95, 0.9, 1.05, 1.1)


@dataclass(frozen=True, slots=True)
class SiteOptics:
    """Optics of N sites on the drawing device; see `render.OpticsOfSite`."""

    gain: Tensor
    offset: Tensor
    vignette: Tensor
    blur_px: Tensor
    edge: Tensor


def expose(photons_NCHW: Tensor, optics: SiteOptics, *, longest_blur_px: float) -> Tensor:
    """Give the expected photons at the camera: blurred, shaded and scaled."""
    sharp = photons_NCHW * (1.0 - HAZE_SHARE) + HAZE_SHARE * _haze(photons_NCHW)
    blurred = blur(sharp, optics.blur_px, longest_blur_px=longest_blur_px)
    blurred *= _shading(optics, image_px=photons_NCHW.shape[-1])
    blurred *= optics.gain[:, :, None, None]
    return blurred


def digitise(photons_NCHW: Tensor, normal_NCHW: Tensor, optics: SiteOptics) -> Tensor:
    """Add noise and offset and round to counts, int16 (twelve bits are used).

    Poisson noise is taken as normal with the same variance: at 20 photons its skewness is .22 and
    nothing a pixel value shows; random normals, unlike Poisson numbers, use no loop whose length
    depends on the last bit of the rate. Read noise adds to the variance.
    """
    spread = torch.sqrt(photons_NCHW + READ_NOISE_PHOTONS**2)
    counts = (photons_NCHW + spread * normal_NCHW) * COUNTS_PER_PHOTON
    counts += optics.offset[:, :, None, None]
    return counts.round_().clamp_(0, SATURATION_COUNTS).to(torch.int16)


def blur(images_NCHW: Tensor, sigma_N: Tensor, *, longest_blur_px: float) -> Tensor:
    """Blur each site by its own Gaussian, cut at three widths; borders repeat.

    ``longest_blur_px`` bounds the widths so that the number of taps is known on the host; taps past
    a site's own cut weigh exactly nothing, so a site does not feel the others.
    """
    reach = min(int(np.ceil(3 * longest_blur_px)), _LONGEST_TAP)
    taps = torch.arange(reach + 1, device=sigma_N.device, dtype=sigma_N.dtype)
    sigma = sigma_N[:, None].clamp_min(1e-3)
    weights = torch.exp(-0.5 * (taps / sigma) ** 2) * (taps <= torch.ceil(3 * sigma))
    weights = weights / (2 * weights.sum(1, keepdim=True) - weights[:, :1])
    for axis in (3, 2):
        images_NCHW = _blur_axis(images_NCHW, weights, axis=axis)
    return images_NCHW


def _blur_axis(images_NCHW: Tensor, weights_NT: Tensor, *, axis: int) -> Tensor:
    reach, size = weights_NT.shape[1] - 1, images_NCHW.shape[axis]
    around = (reach, reach, 0, 0) if axis == 3 else (0, 0, reach, reach)
    padded = torch.nn.functional.pad(images_NCHW, around, mode="replicate")
    blurred = images_NCHW * weights_NT[:, 0, None, None, None]
    for tap in range(1, reach + 1):
        pair = padded.narrow(axis, reach - tap, size) + padded.narrow(axis, reach + tap, size)
        blurred.addcmul_(pair, weights_NT[:, tap, None, None, None])
    return blurred


def _haze(images_NCHW: Tensor) -> Tensor:
    size = images_NCHW.shape[-2:]
    small = torch.nn.functional.avg_pool2d(images_NCHW, _HAZE_STEP, ceil_mode=True)
    sigma = small.new_full((len(small),), _HAZE_SIGMA)
    small = blur(small, sigma, longest_blur_px=_HAZE_SIGMA)
    return torch.nn.functional.interpolate(small, size, mode="bilinear", align_corners=False)


def _shading(optics: SiteOptics, *, image_px: int) -> Tensor:
    """Vignette of the lens, stronger in the red, times the fall-off toward the well's edge."""
    like = optics.vignette
    along = (torch.arange(image_px, device=like.device, dtype=like.dtype) + 0.5) / image_px * 2 - 1
    squared = (along[:, None] ** 2 + along[None, :] ** 2) / 2
    by_channel = like.new_tensor(_VIGNETTE_BY_CHANNEL)[:, None, None]
    lens = 1.0 - optics.vignette[:, None, None, None] * by_channel * squared
    edge_x, edge_y = optics.edge[:, 0, None, None], optics.edge[:, 1, None, None]
    strength = torch.sqrt(edge_x**2 + edge_y**2)
    toward = (edge_x * along[None, :] + edge_y * along[:, None]) / strength.clamp_min(1e-9)
    near = (0.5 + 0.5 * toward).clamp(0, 1)
    wall = 1.0 - strength * near**2
    return (lens * wall[:, None]).clamp_min(0.02)
