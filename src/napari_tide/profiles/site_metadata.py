"""From a screen's table of sites to the metadata of profiles."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from napari_tide.profiles.foreign_tables import standard_metadata

_OF_SITES = {
    "Metadata_Plate": "plate",
    "Metadata_Well": "well",
    "Metadata_Site": "site",
    "Metadata_Batch": "batch",
    "Metadata_Cell_Line": "cell_line",
    "Metadata_Perturbation_Type": "perturbation_type",
    "Metadata_Compound": "compound",
    "Metadata_Dose_uM": "dose_um",
    "Metadata_Gene": "gene",
    "Metadata_Control": "control",
}
_OF_COMPOUNDS = {"Metadata_MoA": "moa", "Metadata_Targets": "targets"}


def metadata_of_sites(
    sites: pd.DataFrame, extra: Mapping[str, object] | None = None
) -> pd.DataFrame:
    """Give one row of metadata per row of sites, and more columns where they are given.

    ``Metadata_SMILES`` is the standardised SMILES where there is one, since profiles of two screens
    meet by it, and the SMILES as given elsewhere.
    """
    columns: dict[str, object] = {
        ours: sites[theirs].to_numpy() for ours, theirs in _OF_SITES.items()
    }
    standard = sites["smiles_standard"]
    columns["Metadata_SMILES"] = standard.where(standard != "", sites["smiles"]).to_numpy()
    return standard_metadata({**columns, **(extra or {})}, len(sites))


def with_annotations(
    metadata: pd.DataFrame, sites: pd.DataFrame, *, screen: pd.DataFrame
) -> pd.DataFrame:
    """Add mechanisms and targets to the metadata of sites, where the screen names any.

    Parameters
    ----------
    metadata, sites
        What `metadata_of_sites` gave, and of which sites.
    screen
        All sites: every part of a table gets the same columns.
    """
    known = {
        ours: sites[theirs].to_numpy()
        for ours, theirs in _OF_COMPOUNDS.items()
        if (screen[theirs] != "").any()
    }
    return metadata.assign(**known)
