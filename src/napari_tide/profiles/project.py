"""Two-dimensional maps: UMAP of fingerprints, of the codebook, and of profiles.

Always with a fixed seed. Fingerprints are compared by Jaccard distance, everything else by cosine.
"""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.errors import ProfileValueError

Space = Literal["fingerprint", "codebook", "profiles"]
SEED = 0
N_NEIGHBOURS = 15
MIN_DISTANCE = 0.1
_BLOCK_ROWS = 2_048

Points = npt.NDArray[np.float32]


def project(
    rows: npt.NDArray[np.generic],
    *,
    space: Space,
    n_neighbours: int = N_NEIGHBOURS,
    min_distance: float = MIN_DISTANCE,
    seed: int = SEED,
) -> Points:
    """Lay rows out in the plane, one point each.

    Parameters
    ----------
    rows
        Bits for ``fingerprint``, vectors otherwise.
    space
        What the rows are, which decides the distance.
    n_neighbours, min_distance, seed
        As in UMAP. The same rows, settings and seed give the same map.

    Raises
    ------
    ProfileValueError
        Too few rows, or values that are not finite.
    """
    if len(rows) < 4:
        message = f"a map needs at least 4 points, got {len(rows)}"
        raise ProfileValueError(message)
    if not np.isfinite(rows.astype(np.float32)).all():
        message = "a map cannot be drawn of missing or infinite values; clean the profiles first"
        raise ProfileValueError(message)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # it looks for TensorFlow
        import umap

    n_here = min(n_neighbours, len(rows) - 1)
    metric, neighbours = "cosine", None
    if space == "fingerprint":
        metric, neighbours = "jaccard", jaccard_neighbours(rows, n_here)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # UMAP warns that a fixed seed means one thread
        mapper = umap.UMAP(
            n_neighbors=n_here,
            min_dist=min_distance,
            metric=metric,
            random_state=seed,
            init="spectral" if len(rows) > 16 else "random",
            precomputed_knn=(*neighbours, None) if neighbours else (None, None, None),
        )
        points: Points = mapper.fit_transform(rows.astype(np.float32)).astype(np.float32)
    return points


def jaccard_neighbours(
    bits: npt.NDArray[np.generic], n_neighbours: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Give each row's nearest rows by Jaccard distance, exactly; the row itself comes first.

    Common bits of a block of rows with all others are one matrix product, so 30,000 fingerprints
    take seconds where an approximate search by a compiled distance takes minutes.
    """
    ones = (bits != 0).astype(np.float32)
    n_set = ones.sum(axis=1)
    indices = np.empty((len(ones), n_neighbours), np.int64)
    distances = np.empty((len(ones), n_neighbours), np.float32)
    for start in range(0, len(ones), _BLOCK_ROWS):
        block = slice(start, min(start + _BLOCK_ROWS, len(ones)))
        common = ones[block] @ ones.T
        union = n_set[block, None] + n_set[None] - common
        distance = 1 - np.divide(common, union, out=np.ones_like(common), where=union > 0)
        distance[np.arange(len(distance)), np.arange(start, block.stop)] = -1  # itself comes first
        nearest = np.argpartition(distance, n_neighbours - 1, axis=1)[:, :n_neighbours]
        order = np.argsort(np.take_along_axis(distance, nearest, axis=1), axis=1, kind="stable")
        indices[block] = np.take_along_axis(nearest, order, axis=1)
        distances[block] = np.take_along_axis(distance, indices[block], axis=1)
    return indices, np.maximum(distances, 0)
