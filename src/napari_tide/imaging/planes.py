"""Image planes, read one at a time from whatever file or store holds them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import tifffile

from napari_tide.errors import PlaneMissingError
from napari_tide.plane_address import PlaneAddress


def read_plane(address: PlaneAddress) -> npt.NDArray[np.generic]:
    """Read one plane as a 2-D array in its own type.

    Raises
    ------
    PlaneMissingError
        The file is not there.
    """
    if not address.path.exists():
        message = f"{address.path} is not there; check the images folder or give it with --images"
        raise PlaneMissingError(message)
    plane: npt.NDArray[np.generic] = tifffile.imread(address.path, key=address.index("page"))
    return plane
