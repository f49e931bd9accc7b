"""A hit list of a large screen: one gene against 1,662 drugs at 8 doses, with p-values."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_tide.discovery.hit_list import HitSettings, find_hits
from napari_tide.discovery.queries import search_gene
from napari_tide.discovery.well_table import WellTable, well_table
from napari_tide.profiles.profiles import Profiles, embedding_names
from tide_train.bench.speed_row import TimeRow, time_work

N_COMPOUNDS, N_DOSES, N_GENES, N_FEATURES = 1_662, 8, 736, 384
GOAL_S = 60.0
_N_PLATES = 4  # replicates: each plate holds every treatment once
_N_CONTROLS = 64


def time_hits(
    *, n_compounds: int = N_COMPOUNDS, n_genes: int = N_GENES, n_rounds: int = 1
) -> TimeRow:
    """Time a query over a screen of noise, in which one treatment in ten is worth a closer look."""
    table = noise_screen(n_compounds, n_genes)
    search = search_gene(table, "G0000")
    return time_work(
        lambda: find_hits([search], HitSettings()),
        what=f"one gene against {n_compounds:,} drugs x {N_DOSES} doses, p from controls",
        goal_s=GOAL_S,
        n_rounds=n_rounds,
        warms_up=False,
    )


def noise_screen(n_compounds: int = N_COMPOUNDS, n_genes: int = N_GENES) -> WellTable:
    """Make the wells of a screen in which nothing acts."""
    doses = [0.01 * 4.0**step for step in range(N_DOSES)]
    compounds = [(f"C{i:04d}", "", dose, "") for i in range(n_compounds) for dose in doses]
    genes = [("", f"G{i:04d}", np.nan, "") for i in range(n_genes)]
    controls = [("DMSO", "", np.nan, "negcon")] * _N_CONTROLS
    names = ["Metadata_Compound", "Metadata_Gene", "Metadata_Dose_uM", "Metadata_Control"]
    plate = pd.DataFrame(compounds + genes + controls, columns=names)
    plate["Metadata_Well"] = [f"W{i:05d}" for i in range(len(plate))]
    plates = [plate.assign(Metadata_Plate=f"P{number}") for number in range(_N_PLATES)]
    metadata = pd.concat(plates, ignore_index=True)
    features = np.random.default_rng(0).standard_normal((len(metadata), N_FEATURES), np.float32)
    return well_table(Profiles(metadata, features, embedding_names(N_FEATURES), "well"))
