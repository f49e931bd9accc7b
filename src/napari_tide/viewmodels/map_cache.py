"""Maps laid out before, kept beside the student or the profiles, so that they reopen at once.

A map is found again by the hash of what was laid out. A folder that cannot be written to (a network
drive, an installed package) costs nothing but the time: the user's own cache is used instead.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_tide.profiles.project import MIN_DISTANCE, N_NEIGHBOURS, SEED, Space

FOLDER = "maps"
_log = logging.getLogger(__name__)

Places = npt.NDArray[np.float32]


def map_key(rows: npt.NDArray[np.generic], space: Space) -> str:
    """Give the name of a map: the same for the same rows and settings, on every machine."""
    settings = f"{space} {rows.dtype.str} {rows.shape} {N_NEIGHBOURS} {MIN_DISTANCE} {SEED}"
    digest = hashlib.sha256(settings.encode())
    digest.update(np.ascontiguousarray(rows).data)
    return f"{space}-{digest.hexdigest()[:20]}"


class MapCache:
    """Folders where maps are looked for, in order; a new one goes to the first that takes it."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def read(self, key: str, *, n_points: int) -> Places | None:
        """Give a map laid out before; nothing where there is none or it is damaged."""
        for folder in self._folders:
            try:
                places = np.load(folder / f"{key}.npy", allow_pickle=False)
            except (OSError, ValueError, EOFError):
                continue
            if places.shape == (n_points, 2) and places.dtype == np.float32:
                found: Places = places
                return found
        return None

    def write(self, key: str, places: Places) -> Path | None:
        """Keep a map, whole or not at all; nothing where no folder can be written to."""
        for folder in self._folders:
            partial = folder / f"{key}.{os.getpid()}.partial"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with partial.open("wb") as file:
                    np.save(file, places.astype(np.float32))
                partial.replace(folder / f"{key}.npy")
            except OSError as error:
                _log.info("%s cannot keep the map %s: %s", folder, key, error)
                continue
            return folder / f"{key}.npy"
        return None
