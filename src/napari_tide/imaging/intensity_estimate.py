"""Intensity ranges of a plate or screen, estimated from a sample of its fields."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from napari_tide.errors import ImagingValueError, TideError
from napari_tide.imaging.field import channel_addresses
from napari_tide.imaging.illumination import IlluminationFunction, load_illumination
from napari_tide.imaging.intensity import PAPER_PERCENTILES, IntensityHistogram, IntensityRanges
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.prepared_field import FieldFiles
from napari_tide.imaging.reading_threads import reading_threads
from napari_tide.plane_address import PlaneAddress

_LOG = logging.getLogger(__name__)


def estimate_ranges(
    fields: Sequence[FieldFiles],
    *,
    channels: Sequence[str],
    illumination: Mapping[str, IlluminationFunction] | None = None,
    percentiles: tuple[float, float] = PAPER_PERCENTILES,
    max_fields: int = 48,
) -> IntensityRanges:
    """Estimate every channel's range from at most `max_fields` fields, evenly spaced.

    Parameters
    ----------
    fields
        The fields of a plate or screen; those that cannot be read are passed over and logged.
    channels
        The stains wanted.
    illumination
        Functions by stain, for fields whose files name none.
    percentiles
        Percentiles of the corrected grey values that become 0 and 1.

    Raises
    ------
    ImagingValueError
        No field of the sample can be read.
    """
    step = max(len(fields) / max_fields, 1.0)
    sample = [fields[int(i * step)] for i in range(min(len(fields), max_fields))]
    totals = [IntensityHistogram() for _ in channels]
    n_read = 0
    for files in sample:
        try:
            counted = _count_field(files, channels, illumination or {})
        except TideError as error:
            _LOG.warning("left out of the intensity estimate: %s: %s", files.name, error)
            continue
        n_read += 1
        for total, histogram in zip(totals, counted, strict=True):
            total.merge(histogram)
    if not n_read:
        message = (
            f"none of {len(sample)} sampled fields can be read, so there are no intensity ranges; "
            "check the images folder"
        )
        raise ImagingValueError(message)
    pairs = zip(channels, totals, strict=True)
    return IntensityRanges({name: total.range(percentiles) for name, total in pairs})


def _count_field(
    files: FieldFiles, channels: Sequence[str], illumination: Mapping[str, IlluminationFunction]
) -> list[IntensityHistogram]:
    wanted = channel_addresses(files.planes, channels)
    functions = [
        load_illumination(files.illumination[name])
        if name in files.illumination
        else illumination.get(name)
        for name in channels
    ]
    return list(reading_threads().map(_count_plane, wanted, functions))


def _count_plane(
    address: PlaneAddress, function: IlluminationFunction | None
) -> IntensityHistogram:
    plane = read_plane(address)
    histogram = IntensityHistogram()
    if function is None:
        histogram.add(plane)
    else:
        height, width = plane.shape
        histogram.add(plane.astype(np.float32) / function.evaluate((height, width)))
    return histogram
