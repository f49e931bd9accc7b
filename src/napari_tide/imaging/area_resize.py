"""Resizing by area: every output pixel is the mean of the input it covers, at any ratio.

The result is that of OpenCV's ``INTER_AREA``, also for ratios such as 270 -> 224, where torch's
adaptive pooling is no area mean (it averages whole pixels that overlap). Rows first, then columns,
each as a product with a narrow band of weights, taken in blocks small enough that BLAS keeps to one
thread (planes already run side by side). Measured on 1080 x 1080 to 16 tiles of 224 px, one core:
these two products 0.8 ms, OpenCV 3.1 ms, dense weights 9.4 ms.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_tide.imaging.scratch_arrays import scratch_array

FloatArray = npt.NDArray[np.float32]

# OpenBLAS stays on the calling thread up to this many multiply-adds
_ONE_THREAD_PRODUCT = 262_144
# the quickest of 4, 7, 8, 14, 16, 28, 32 outputs
_ROW_BLOCK, _COLUMN_BLOCK = 8, 16


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: its first pixel and its length, which may reach over the border."""

    start: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """A few neighbouring outputs and the only inputs they depend on.

    The weights are (output, input) along rows and (input, output) along columns, as they multiply.
    """

    span: int
    outputs: slice
    inputs: slice
    weights: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class AreaResize:
    """A resize of every (row span) x (column span) of a plane to squares of `output_px`."""

    rows: tuple[Band, ...]
    columns: tuple[Band, ...]
    n_row_spans: int
    n_column_spans: int
    output_shape: tuple[int, int]

    @classmethod
    def plan(
        cls,
        field_shape: tuple[int, int],
        spans: tuple[Sequence[Span], Sequence[Span]],
        *,
        output_shape: tuple[int, int],
    ) -> AreaResize:
        """Work out the weights once for all planes of a shape.

        Parameters
        ----------
        field_shape
            Height and width of the planes.
        spans
            Where tiles lie along the rows and along the columns. What reaches over the border
            counts as zero.
        output_shape
            Height and width of each result.
        """
        height, width = field_shape
        row_spans, column_spans = spans
        rows = _bands(row_spans, output_shape[0], height, block=(_ROW_BLOCK, width))
        columns = _bands(
            column_spans, output_shape[1], width, block=(_COLUMN_BLOCK, output_shape[0])
        )
        return cls(
            rows=rows,
            columns=tuple(
                replace(band, weights=np.ascontiguousarray(band.weights.T)) for band in columns
            ),
            n_row_spans=len(row_spans),
            n_column_spans=len(column_spans),
            output_shape=output_shape,
        )

    def apply(self, plane: FloatArray, out_RCHW: FloatArray | None = None) -> FloatArray:
        """Resize one plane to an array (row span, column span, height, width)."""
        height, width = self.output_shape
        if out_RCHW is None:
            shape = (self.n_row_spans, self.n_column_spans, height, width)
            out_RCHW = np.empty(shape, np.float32)
        shrunk_RHW = scratch_array("shrunk rows", (self.n_row_spans, height, plane.shape[1]))
        for band in self.rows:
            np.matmul(band.weights, plane[band.inputs], out=shrunk_RHW[band.span, band.outputs])
        for band in self.columns:
            target = out_RCHW[:, band.span, :, band.outputs]
            np.matmul(shrunk_RHW[..., band.inputs], band.weights, out=target)
        return out_RCHW


def resize_area(plane: FloatArray, output_shape: tuple[int, int]) -> FloatArray:
    """Resize a whole plane to `output_shape` by area."""
    height, width = plane.shape
    resized: FloatArray = _whole_plane(height, width, output_shape).apply(plane)[0, 0]
    return resized


@functools.lru_cache(maxsize=16)
def _whole_plane(height: int, width: int, output_shape: tuple[int, int]) -> AreaResize:
    spans = [Span(0, height)], [Span(0, width)]
    return AreaResize.plan((height, width), spans, output_shape=output_shape)


def _bands(
    spans: Sequence[Span], n_outputs: int, n_inputs: int, *, block: tuple[int, int]
) -> tuple[Band, ...]:
    bands = []
    for index, span in enumerate(spans):
        step = _block_length(span.length / n_outputs, *block)
        for first in range(0, n_outputs, step):
            outputs = slice(first, min(first + step, n_outputs))
            bands.append(_band(index, span, outputs, (n_outputs, n_inputs)))
    return tuple(bands)


def _block_length(ratio: float, longest: int, across: int) -> int:
    """Give how many outputs to compute at once: n outputs need about n * ratio + 1 inputs."""
    length = longest
    while length > 1 and length * (length * ratio + 1) * across > _ONE_THREAD_PRODUCT:
        length //= 2
    return length


def _band(index: int, span: Span, outputs: slice, sizes: tuple[int, int]) -> Band:
    n_outputs, n_inputs = sizes
    ratio = span.length / n_outputs
    edges = span.start + ratio * np.arange(outputs.start, outputs.stop + 1)
    first = int(np.clip(np.floor(edges[0] + 1e-9), 0, n_inputs - 1))
    last = int(np.clip(np.ceil(edges[-1] - 1e-9), first + 1, n_inputs))
    pixels = np.arange(first, last)
    upper = np.minimum(edges[1:, None], pixels + 1)
    lower = np.maximum(edges[:-1, None], pixels)
    weights = (np.clip(upper - lower, 0, None) / ratio).astype(np.float32)
    return Band(index, outputs, slice(first, last), weights)
