"""A quick segmentation of nuclei in a DNA plane, for one embedding per cell.

Made for speed and no training: background removed, one threshold, touching nuclei parted at the
necks of their outline. Users with better labels give those instead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Labels = npt.NDArray[np.int32]

NUCLEUS_UM = 12.0  # a typical diameter; only its order of magnitude matters
DEFAULT_PIXEL_UM = 0.6
_SMALLEST_SHARE = 0.12  # of a typical nucleus' area; smaller is debris
_BINS = 256


def segment_nuclei(dna: npt.NDArray[np.generic], *, pixel_size_um: float | None = None) -> Labels:
    """Label nuclei 1, 2, … in a DNA plane; background is 0. An empty plane has none.

    Parameters
    ----------
    dna
        One plane of the DNA stain, any numeric type.
    pixel_size_um
        Width of a pixel; 0.6 µm, a usual 20 x objective, where it is not known.
    """
    diameter_px = NUCLEUS_UM / (pixel_size_um or DEFAULT_PIXEL_UM)
    plane = ndimage.gaussian_filter(dna.astype(np.float32), max(diameter_px / 16, 0.7))
    signal = plane - np.percentile(plane, 5)
    threshold = otsu(signal)
    is_nucleus = signal > threshold
    inside, outside = signal[is_nucleus], signal[~is_nucleus]
    if not len(inside) or not len(outside):
        return np.zeros(dna.shape, np.int32)
    # noise alone also has a threshold, but no gap between its two sides
    if inside.mean() - outside.mean() < 3 * (outside.std() + 1e-6):
        return np.zeros(dna.shape, np.int32)
    is_nucleus = ndimage.binary_fill_holes(ndimage.binary_opening(is_nucleus, iterations=1))
    return _large_enough(_part_touching(is_nucleus, diameter_px), diameter_px)


def otsu(values: npt.NDArray[np.floating]) -> float:
    """Give the threshold that best parts values into two classes (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=_BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = mass / below - (mass[-1] - mass) / above
    between = np.nan_to_num(below * above * gap**2, nan=0.0)
    return float(edges[1 + int(between.argmax())])


def _part_touching(is_nucleus: npt.NDArray[np.bool_], diameter_px: float) -> Labels:
    depth = ndimage.gaussian_filter(
        ndimage.distance_transform_edt(is_nucleus).astype(np.float32), max(diameter_px / 16, 0.7)
    )
    reach = 2 * max(round(diameter_px / 4), 1) + 1
    is_peak = (depth == ndimage.maximum_filter(depth, size=reach)) & is_nucleus
    markers, n_markers = ndimage.label(is_peak, structure=np.ones((3, 3)))
    if not n_markers:
        return np.zeros(is_nucleus.shape, np.int32)
    nearest_yx = ndimage.distance_transform_edt(
        markers == 0, return_distances=False, return_indices=True
    )
    nearest = markers[tuple(nearest_yx)]
    # a marker across a gap does not count: then the blob's own first marker does
    blobs, n_blobs = ndimage.label(is_nucleus, structure=np.ones((3, 3)))
    own_marker = ndimage.maximum(markers, blobs, index=np.arange(n_blobs + 1))
    lies_in_same_blob = blobs[tuple(nearest_yx)] == blobs
    parted = np.where(lies_in_same_blob, nearest, np.asarray(own_marker)[blobs])
    return np.where(is_nucleus, parted, 0).astype(np.int32)


def _large_enough(labels: Labels, diameter_px: float) -> Labels:
    areas = np.bincount(labels.ravel())
    smallest = _SMALLEST_SHARE * np.pi / 4 * diameter_px**2
    keeps = areas >= smallest
    keeps[0] = False
    numbers = np.where(keeps, np.cumsum(keeps), 0).astype(np.int32)
    return numbers[labels]
