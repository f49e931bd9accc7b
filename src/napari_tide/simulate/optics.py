"""How the microscope saw each site: gain, stain, camera offset, vignette, focus, well edge.

Shape legend: S sites, C channels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.simulate.imaged_sites import plates_of
from napari_tide.simulate.render import CHANNELS, OpticsOfSite
from napari_tide.simulate.streams import stream

BATCH_GAIN_SPREAD = 0.1
PLATE_GAIN_SPREAD = 0.18
WELL_STAIN_SPREAD = 0.17
# at .4 counts a photon a usual offset of 100 would drown the signal; this keeps their real ratio
OFFSET_COUNTS = (10.0, 25.0)
VIGNETTE = (0.1, 0.35)
BLUR_PX = 0.75
PLATE_FOCUS_SPREAD = 0.12
WELL_FOCUS_SPREAD = 0.08
EDGE_LOSS = (0.05, 0.25)
DECIMALS = 6


def draw_optics(seed: int, sites: pd.DataFrame, plate_format: PlateFormat) -> OpticsOfSite:
    """Draw the optics of every site, in the order of the table.

    Values are rounded, so that a last digit that differs between processors reaches no pixel.
    """
    n_sites, n_channels = len(sites), len(CHANNELS)
    gain_SC, offset_SC = np.empty((n_sites, n_channels)), np.empty((n_sites, n_channels))
    vignette_S, blur_S, edge_S2 = np.empty(n_sites), np.empty(n_sites), np.empty((n_sites, 2))
    for plate, batch, rows in plates_of(sites):
        in_batch = stream(seed, "optics", "batch", batch)
        random = stream(seed, "optics", "plate", plate)
        here = sites.iloc[rows]
        well = here["row"].to_numpy(np.int64) * plate_format.columns
        well += here["column"].to_numpy(np.int64)
        batch_C = in_batch.lognormal(0.0, BATCH_GAIN_SPREAD, n_channels)
        plate_C = random.lognormal(0.0, PLATE_GAIN_SPREAD, n_channels)
        stain_WC = random.lognormal(0.0, WELL_STAIN_SPREAD, (plate_format.n_wells, n_channels))
        gain_SC[rows] = batch_C * plate_C * stain_WC[well]
        offset_SC[rows] = random.uniform(*OFFSET_COUNTS, n_channels)
        vignette_S[rows] = random.uniform(*VIGNETTE)
        focus = random.lognormal(0.0, PLATE_FOCUS_SPREAD)
        focus_W = random.lognormal(0.0, WELL_FOCUS_SPREAD, plate_format.n_wells)
        blur_S[rows] = BLUR_PX * focus * focus_W[well]
        edge_S2[rows] = _outward(here, plate_format) * random.uniform(*EDGE_LOSS, (len(rows), 1))
    return OpticsOfSite(
        gain=np.round(gain_SC, DECIMALS),
        offset=np.round(offset_SC, DECIMALS),
        vignette=np.round(vignette_S, DECIMALS),
        blur_px=np.round(blur_S, DECIMALS),
        edge=np.round(edge_S2, DECIMALS),
    )


def _outward(sites: pd.DataFrame, plate_format: PlateFormat) -> npt.NDArray[np.float64]:
    """Point out of the plate (x, y) from wells of the outer ring; zero elsewhere."""
    row, column = sites["row"].to_numpy(np.int64), sites["column"].to_numpy(np.int64)
    x = (column == plate_format.columns - 1).astype(float) - (column == 0)
    y = (row == plate_format.rows - 1).astype(float) - (row == 0)
    outward_S2 = np.stack([x, y], axis=1)
    length = np.hypot(x, y)[:, None]
    np.divide(outward_S2, length, out=outward_S2, where=length > 0)
    return outward_S2
