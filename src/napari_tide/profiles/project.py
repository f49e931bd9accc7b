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
        from napari_tide.profiles.nearest_bits import nearest_by_jaccard

        metric, neighbours = "jaccard", nearest_by_jaccard(rows, n_here)
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
