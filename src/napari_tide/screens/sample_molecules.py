"""Doses and structures of a table of sites, cleaned once the plate map is joined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_tide.chem.dose_snapping import snap_doses
from napari_tide.chem.smiles import (
    clean_smiles,
    describe_rejected,
    rejected_smiles,
    standard_or_blank,
)
from napari_tide.errors import MoleculeValueError, ScreenFormatError
from napari_tide.screens.wording import counted, some

_MISSING_DOSE = -666  # L1000's mark
_WORTH_TELLING = 0.025  # a dose changed by less was only written with fewer digits


def clean_doses(sites: pd.DataFrame, *, source: str) -> tuple[pd.DataFrame, list[str]]:
    """Make doses that mean the same the same; what was given stays as ``dose_um_given``.

    Raises
    ------
    ScreenFormatError
        A dose is negative or infinite.
    """
    given = sites["dose_um"].astype(float)
    given = given.where(given != _MISSING_DOSE)
    try:
        snapped = pd.Series(snap_doses(given.to_numpy()), index=sites.index)
    except MoleculeValueError as error:
        message = f"{source}: {error}"
        raise ScreenFormatError(message) from error
    changed = given.notna() & (snapped != given)
    sites = sites.assign(dose_um=snapped)
    if not changed.any():
        return sites, []
    if "dose_um_given" not in sites:
        sites["dose_um_given"] = given
    far = changed & (np.abs(snapped / given.where(given > 0) - 1) > _WORTH_TELLING)
    if not far.any():
        return sites, []
    pairs = pd.DataFrame({"given": given[far], "snapped": snapped[far]}).drop_duplicates()
    shown = some(f"{a:g} to {b:g}" for a, b in pairs.sort_values("given").to_numpy())
    warning = (
        f"{counted(len(pairs), 'dose')} snapped to a near and more frequent one ({shown} uM); "
        "the column dose_um_given keeps what was given"
    )
    return sites, [warning]


def clean_structures(sites: pd.DataFrame, *, previous: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Strip each SMILES of its suffix, and put its standard form beside it.

    Parameters
    ----------
    sites
        A row per site, with ``smiles`` and ``smiles_standard``.
    previous
        The SMILES before plate maps and metadata were joined; where they are the same, a standard
        form that is already there is kept, so that a saved screen opens at once.
    """
    cleaned = sites["smiles"].map({text: clean_smiles(text) for text in sites["smiles"].unique()})
    known = (sites["smiles_standard"] != "") & (sites["smiles"] == previous)
    standard_of = {text: standard_or_blank(text) for text in cleaned[~known].unique()}
    standard = sites["smiles_standard"].where(known, cleaned.map(standard_of))
    sites = sites.assign(smiles=cleaned, smiles_standard=standard)
    rejected = rejected_smiles(standard_of, standard_of.get)
    return sites, [describe_rejected(rejected)] if rejected else []
