"""Random crops of several sizes out of each image, as DINO sees them, all on the device.

On an accelerator crops are cut and resized in one go by two matrix products, rows then columns,
whose weights are a triangle filter inside the crop's box: bilinear with antialiasing, and pixels
outside the box never blend in. That is what cutting and resizing image by image gives, for the
whole batch at once; on a CPU, where most of those products would multiply by zero, image by image
is several times faster and is what is done.
"""

# B image, C channel, H and W of an image, V view (crop) of each image, S side of a crop

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.nn import functional

from tide_train.data.sample_random import SampleRandom

Range = tuple[float, float]
_N_GLOBAL = 2


class CropConfig(BaseModel):
    """DINO's crops; scales are shares of the tile's area."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_local: int = Field(
        default=4, ge=0, le=16, title="Small crops", description="Small crops beside the two large"
    )
    global_px: int | None = Field(
        default=None,
        ge=16,
        title="Large crop (px)",
        description="Side of a large crop; the tile's by default",
    )
    local_px: int | None = Field(
        default=None,
        ge=16,
        title="Small crop (px)",
        description="Side of a small crop; 3/7 of the tile's by default",
    )
    global_scale: Range = Field(
        default=(0.4, 1.0),
        title="Large crop, share of tile",
        description="A crop that rescales much changes the phenotype",
    )
    local_scale: Range = Field(
        default=(0.05, 0.4),
        title="Small crop, share of tile",
        description="Share of the tile's area that a small crop covers",
    )
    aspect: Range = Field(
        default=(3 / 4, 4 / 3), title="Aspect", description="Width of a crop over its height"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Whole pixels that crops cover: one box a view and image."""

    tops_BV: torch.Tensor
    lefts_BV: torch.Tensor
    heights_BV: torch.Tensor
    widths_BV: torch.Tensor


def multi_crop(
    images_BCHW: torch.Tensor, config: CropConfig, random: SampleRandom, *, patch_px: int = 16
) -> list[torch.Tensor]:
    """Cut two large and some small crops out of each image, each image's its own.

    Parameters
    ----------
    images_BCHW
        Square tiles.
    config, random
        What to cut, and where chance comes from.
    patch_px
        Sides chosen here are multiples of it.
    """
    side = images_BCHW.shape[-1]
    local_px = config.local_px or max(round(side * 3 / 7 / patch_px), 1) * patch_px
    views: list[torch.Tensor] = []
    for n_views, side_px, scale in (
        (_N_GLOBAL, config.global_px or side, config.global_scale),
        (config.n_local, local_px, config.local_scale),
    ):
        boxes = draw_boxes(
            images_BCHW.shape, n_views, scale=scale, aspect=config.aspect, random=random
        )
        views.extend(crop_and_resize(images_BCHW, boxes, side_px))
    return views


def draw_boxes(
    shape: torch.Size,
    n_views: int,
    *,
    scale: Range,
    aspect: Range,
    random: SampleRandom,
) -> Boxes:
    """Draw boxes of a random area, aspect (log-uniform) and place in each image.

    A side longer than the image is cut to it.
    """
    n_images, _, height, width = shape
    drawn = random.uniform((n_images, n_views, 4)).unbind(-1)
    area_BV = height * width * (scale[0] + (scale[1] - scale[0]) * drawn[0])
    low, high = (math.log(limit) for limit in aspect)
    aspect_BV = (low + (high - low) * drawn[1]).exp()
    widths_BV = (area_BV * aspect_BV).sqrt().round().clamp(1, width)
    heights_BV = (area_BV / aspect_BV).sqrt().round().clamp(1, height)
    tops_BV = (drawn[2] * (height - heights_BV + 1)).floor()
    lefts_BV = (drawn[3] * (width - widths_BV + 1)).floor()
    return Boxes(tops_BV, lefts_BV, heights_BV, widths_BV)


def crop_and_resize(images_BCHW: torch.Tensor, boxes: Boxes, side: int) -> torch.Tensor:
    """Cut a box per view out of each image and resize it to a square (view, image, C, S, S)."""
    if images_BCHW.device.type == "cpu":
        return crop_one_by_one(images_BCHW, boxes, side)
    # half numbers have 11 bits, pixels in [0, 1] mostly 8; the products are three times faster
    return crop_all_at_once(images_BCHW.half(), boxes, side).to(images_BCHW.dtype)


def crop_one_by_one(images_BCHW: torch.Tensor, boxes: Boxes, side: int) -> torch.Tensor:
    """Cut and resize in a loop over images and views."""
    n_images, n_views = boxes.tops_BV.shape
    shape = (n_views, n_images, images_BCHW.shape[1], side, side)
    images_BCHW, kind = images_BCHW.float(), images_BCHW.dtype  # the CPU resizes no half numbers
    crops_VBCSS = images_BCHW.new_empty(shape)
    parts = (boxes.tops_BV, boxes.lefts_BV, boxes.heights_BV, boxes.widths_BV)
    corners = torch.stack(parts, dim=-1).long().tolist()
    for image in range(n_images):
        for view in range(n_views):
            top, left, height, width = corners[image][view]
            cut = images_BCHW[image, None, :, top : top + height, left : left + width]
            crops_VBCSS[view, image] = functional.interpolate(
                cut, size=(side, side), mode="bilinear", antialias=True, align_corners=False
            )[0]
    return crops_VBCSS.to(kind)


def crop_all_at_once(images_BCHW: torch.Tensor, boxes: Boxes, side: int) -> torch.Tensor:
    """Cut and resize the whole batch by two matrix products."""
    n_images, n_channels, height, width = images_BCHW.shape
    n_views = boxes.tops_BV.shape[1]
    rows_BVSH = _resize_weights(boxes.tops_BV, boxes.heights_BV, side, height, images_BCHW)
    columns_BVSW = _resize_weights(boxes.lefts_BV, boxes.widths_BV, side, width, images_BCHW)
    # rows first, all views of an image in one product, so that no image is copied
    images_BH_CW = images_BCHW.transpose(1, 2).reshape(n_images, height, n_channels * width)
    cut = torch.bmm(rows_BVSH.reshape(n_images, n_views * side, height), images_BH_CW)
    cut = cut.reshape(n_images * n_views, side * n_channels, width)
    weights = columns_BVSW.reshape(n_images * n_views, side, width).transpose(1, 2)
    crops = torch.bmm(cut, weights).reshape(n_images, n_views, side, n_channels, side)
    return crops.permute(1, 0, 3, 2, 4).contiguous()


def _resize_weights(
    starts_BV: torch.Tensor, lengths_BV: torch.Tensor, side: int, length: int, like: torch.Tensor
) -> torch.Tensor:
    """Give how much each pixel of a line counts for each pixel of the resized crop."""
    device = like.device
    starts, lengths = (values.to(device)[..., None, None] for values in (starts_BV, lengths_BV))
    pixels = torch.arange(length, device=device, dtype=torch.float32)
    outputs = torch.arange(side, device=device, dtype=torch.float32)[:, None]
    step = lengths / side
    centres = starts + (outputs + 0.5) * step - 0.5
    weights = (1 - (pixels - centres).abs() / step.clamp_min(1)).clamp_min(0)
    weights = weights * ((pixels >= starts) & (pixels < starts + lengths))
    weights = weights / weights.sum(-1, keepdim=True)
    return weights.to(like.dtype)
