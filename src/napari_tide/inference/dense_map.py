"""Where in a field a drug is recognised: a value per tile, or per patch without a second pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.students.student import Student

FieldMap = npt.NDArray[np.float32]


def tile_probability_map(
    student: Student, embeddings_ND: npt.NDArray[np.float32], grid: TileGrid, *, drug: int
) -> FieldMap:
    """Paint each tile's probability of a trained drug over the field, NaN where no tile lies."""
    with torch.inference_mode():
        probabilities = student.probabilities(torch.from_numpy(embeddings_ND))[:, drug]
    return grid.spread(probabilities.numpy())


def patch_similarity_map(
    student: Student,
    patches_NHWD: npt.NDArray[np.float32],
    grid: TileGrid,
    *,
    prototype_D: torch.Tensor,
) -> FieldMap:
    """Paint each patch's cosine with a prototype over the field.

    The patches are those of the pass that embedded the tiles; another drug costs one product. The
    prototype may be that of a drug never trained on.
    """
    with torch.inference_mode():
        cosines = student.similarities(torch.from_numpy(patches_NHWD), prototype_D[None])[..., 0]
    return grid.spread(cosines.numpy())
