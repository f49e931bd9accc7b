"""Well profiles of a screen, put together from the plates that were run so far."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import TideError
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.profiles import Profiles, concatenate, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.profiles.store import read_profiles
from napari_tide.screens.screen import Screen

_LOGGER = logging.getLogger(__name__)
_QUALITY = "Metadata_QC"


def well_profiles(
    screen: Screen,
    means: Mapping[int, npt.NDArray[np.float32]],
    flags: Mapping[int, tuple[str, ...]],
    *,
    student: str,
) -> Profiles | None:
    """Aggregate sites' profiles, by row of the screen's table, to wells; nothing of no sites."""
    if not means:
        return None
    rows = sorted(means)
    metadata = metadata_of_sites(screen.sites.iloc[rows])
    metadata = metadata.drop(columns=["Metadata_Tile_Row", "Metadata_Tile_Col"], errors="ignore")
    metadata[_QUALITY] = np.array(["|".join(flags.get(row, ())) for row in rows], dtype=object)
    features = np.stack([means[row] for row in rows]).astype(np.float32)
    sites = Profiles(metadata, features, embedding_names(features.shape[1]), "site", student)
    return aggregate_to_level(sites, "well")


def read_well_profiles(screen: Screen, path: Path, *, student: str) -> Profiles | None:
    """Read the profiles kept of a plate, with what the screen says about its wells today.

    A plate map may have been joined since. A file that cannot be read is left out: its plate can be
    run again.
    """
    if not path.is_file():
        return None
    try:
        kept = read_profiles(path)
    except TideError as error:
        _LOGGER.info("left out: %s", error)
        return None
    first_row: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(screen.sites["plate"], screen.sites["well"], strict=True)):
        first_row.setdefault(key, row)
    keys = list(zip(kept.column("Metadata_Plate"), kept.column("Metadata_Well"), strict=True))
    if kept.student != student or not all(key in first_row for key in keys):
        return None
    metadata = metadata_of_sites(screen.sites.iloc[[first_row[key] for key in keys]])
    own = [name for name in (_QUALITY, "Metadata_Count") if name in kept.metadata.columns]
    drop = ["Metadata_Site", "Metadata_Tile_Row", "Metadata_Tile_Col"]
    metadata = metadata.drop(columns=drop, errors="ignore").reset_index(drop=True)
    return Profiles(
        pd.concat([metadata, kept.metadata[own].reset_index(drop=True)], axis=1),
        kept.features,
        kept.feature_names,
        "well",
        student,
    )


def put_together(parts: list[Profiles | None]) -> Profiles | None:
    """Stack the plates there are."""
    present = [part for part in parts if part is not None and len(part)]
    return concatenate(present) if present else None
