"""The table of imaged sites: what stands in a screen, a row per field of view."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.simulate.plate_layout import Layout
from napari_tide.simulate.world import World


def list_sites(world: World, layout: Layout, *, n_sites: int) -> pd.DataFrame:
    """Describe every site: place, batch, and what was done to the cells.

    Beside the columns of a screen table there are ``row``, ``column`` and ``treatment``.
    """
    wells = layout.wells.loc[np.repeat(np.arange(len(layout.wells)), n_sites)]
    sites = wells.reset_index(drop=True)
    sites["site"] = np.tile(np.arange(1, n_sites + 1), len(layout.wells))
    described = describe_treatments(world, layout).iloc[sites["treatment"]]
    sites[list(described.columns)] = described.to_numpy()
    sites["dose_um"] = sites["dose_um"].astype(float)
    sites["moa"] = ""
    is_negative = sites["control"] == "negcon"
    sites.loc[is_negative, "perturbation_type"] = "control"
    sites.loc[is_negative, "compound"] = "DMSO"
    return sites


def describe_treatments(world: World, layout: Layout) -> pd.DataFrame:
    """Name each treatment's drug or gene, a row per treatment."""
    treatments = layout.treatments
    rows = []
    for drug, gene, dose_um in zip(
        treatments.drug_N, treatments.gene_N, treatments.dose_um_N, strict=True
    ):
        compound = world.compounds[drug] if drug >= 0 else None
        kind = "compound" if drug >= 0 else "crispr" if gene >= 0 else ""
        rows.append(
            {
                "perturbation_type": kind,
                "compound": compound.name if compound else "",
                "smiles": compound.smiles if compound else "",
                "smiles_standard": compound.smiles_standard if compound else "",
                "dose_um": dose_um,
                "gene": world.genes.names[gene] if gene >= 0 else "",
                "targets": "|".join(compound.targets) if compound else "",
            }
        )
    return pd.DataFrame(rows)


def plates_of(sites: pd.DataFrame) -> Iterator[tuple[str, str, npt.NDArray[np.intp]]]:
    """Go through the plates: name, batch, and the rows of its sites."""
    for plate, rows in sites.groupby("plate", sort=False).indices.items():
        here = np.asarray(rows, dtype=np.intp)
        yield str(plate), str(sites["batch"].iloc[here[0]]), here
