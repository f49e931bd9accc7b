"""A plate of any number of sites over a few fields on disk, for timing and memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well
from tide_train.bench.field_to_tiles import write_cell_like_planes

STAINS = ("DNA", "ER", "RNA", "AGP", "Mito")
_PLATE_COLUMNS = 24


def plate_of_fields(
    folder: Path, *, n_wells: int, n_sites: int, n_fields: int = 6, seed: int = 0
) -> Screen:
    """Write a few fields of five 1080 x 1080 planes and give a plate whose sites share them.

    Parameters
    ----------
    n_wells, n_sites
        Wells of a 384-well plate, and sites in each.
    n_fields
        How many fields are on disk; the sites take them in turn.
    """
    files = []
    for number in range(n_fields):
        place = folder / f"field{number}"
        place.mkdir(parents=True, exist_ok=True)
        written = write_cell_like_planes(place, n_channels=len(STAINS), seed=seed + number)
        files.append([str(path.relative_to(folder)) for path in written])
    rows = [
        ("P1", Well(well // _PLATE_COLUMNS, well % _PLATE_COLUMNS).name, site + 1, stain, address)
        for well in range(n_wells)
        for site in range(n_sites)
        for stain, address in zip(STAINS, files[(well * n_sites + site) % n_fields], strict=True)
    ]
    planes = pd.DataFrame(rows, columns=["plate", "well", "site", "label", "address"])
    screen = assemble_screen(
        planes, root=folder, format="bench", source=str(folder), pixel_size_um=0.6
    )
    sites = screen.sites.copy()
    sites["control"] = np.where(sites["well"].str.endswith("01"), "negcon", "")
    return screen.with_sites(sites)
