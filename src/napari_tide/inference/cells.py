"""One embedding per cell: a crop around each nucleus, through the same student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch.nn import functional

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.inference.embedder import Embedder

CELL_CROP_UM = 60.0


@dataclass(frozen=True, slots=True)
class CellCutting:
    """How the cells of a screen are found and cut.

    Parameters
    ----------
    nuclei_channel
        The stain that nuclei are found in.
    crop_px
        Side of the square around a nucleus, in the screen's pixels.
    pixel_size_um
        Width of a pixel, where the screen says it.
    """

    nuclei_channel: str
    crop_px: int
    pixel_size_um: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CellEmbeddings:
    """The cells of a field: their labels, where they lie (y, x in pixels), and embeddings."""

    labels: npt.NDArray[np.int64]
    centres_yx: npt.NDArray[np.float64]
    embeddings_ND: npt.NDArray[np.float32]


def embed_cells(
    field_CHW: npt.NDArray[np.generic],
    labels: npt.NDArray[np.integer],
    embedder: Embedder,
    *,
    ranges: Sequence[IntensityRange],
    channels: Sequence[str],
    crop_px: int,
) -> CellEmbeddings:
    """Embed a square crop around the middle of every labelled nucleus.

    Parameters
    ----------
    field_CHW
        The field's planes after illumination correction.
    labels
        0 is background; every other number is a cell.
    ranges
        Grey values that become 0 and 1, in the order of `channels`.
    crop_px
        Side of a crop in the field's pixels; outside the field is black.

    Raises
    ------
    ImagingValueError
        The labels do not cover the field.
    """
    if labels.shape != field_CHW.shape[1:]:
        message = f"labels of {labels.shape} do not fit a field of {field_CHW.shape[1:]}"
        raise ImagingValueError(message)
    numbers = np.unique(labels)
    numbers = numbers[numbers != 0]
    if not len(numbers):
        width = embedder.student.config.encoder.width
        return CellEmbeddings(numbers, np.zeros((0, 2)), np.zeros((0, width), np.float32))
    centres = np.array(ndimage.center_of_mass(labels != 0, labels, numbers))
    unit_CHW = _to_unit_range(field_CHW, ranges)
    output_px = embedder.student.config.encoder.image_px
    embeddings = []
    # a dense field has thousands of cells: only one batch of crops is in memory
    for start in range(0, len(centres), embedder.batch_tiles):
        some = centres[start : start + embedder.batch_tiles]
        crops = [_crop(unit_CHW, centre, crop_px, output_px) for centre in some]
        embeddings.append(embedder.embed(np.stack(crops), channels))
    return CellEmbeddings(numbers, centres, np.concatenate(embeddings))


def _to_unit_range(
    field_CHW: npt.NDArray[np.generic], ranges: Sequence[IntensityRange]
) -> npt.NDArray[np.float32]:
    low = np.array([limits.low for limits in ranges], np.float32)[:, None, None]
    gain = np.array([limits.gain for limits in ranges], np.float32)[:, None, None]
    unit: npt.NDArray[np.float32] = np.clip((field_CHW.astype(np.float32) - low) * gain, 0, 1)
    return unit


def _crop(
    unit_CHW: npt.NDArray[np.float32],
    centre_yx: npt.NDArray[np.float64],
    crop_px: int,
    output_px: int,
) -> npt.NDArray[np.float32]:
    top, left = (int(value) for value in np.rint(centre_yx - (crop_px - 1) / 2))
    height, width = unit_CHW.shape[1:]
    crop = np.zeros((len(unit_CHW), crop_px, crop_px), np.float32)
    y0, y1 = max(top, 0), min(top + crop_px, height)
    x0, x1 = max(left, 0), min(left + crop_px, width)
    crop[:, y0 - top : y1 - top, x0 - left : x1 - left] = unit_CHW[:, y0:y1, x0:x1]
    if crop_px == output_px:
        return crop
    mode = "area" if crop_px > output_px else "bilinear"
    resized: npt.NDArray[np.float32] = functional.interpolate(
        torch.from_numpy(crop)[None], size=(output_px, output_px), mode=mode
    )[0].numpy()
    return resized
