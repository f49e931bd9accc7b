"""Who a single profile is, read from its own row: a table may have half a million."""

from __future__ import annotations

import pandas as pd

from napari_tide.profiles.profiles import Profiles


def cell_text(profiles: Profiles, column: str, row: int) -> str:
    """Give one value of the metadata as text; empty where it is missing."""
    if column not in profiles.metadata.columns:
        return ""
    value = profiles.metadata[column].iloc[row]
    return "" if pd.isna(value) else str(value)


def place_name(profiles: Profiles, row: int) -> str:
    """Name a profile by where it is: ``"P1 B03"``."""
    parts = (cell_text(profiles, f"Metadata_{what}", row) for what in ("Plate", "Well"))
    return " ".join(part for part in parts if part)


def describe_profile(profiles: Profiles, row: int) -> str:
    """Say where a profile is and what was done there: ``"P1 B03 · nocodazole 2.5 µM"``."""
    done = [cell_text(profiles, f"Metadata_{what}", row) for what in ("Compound", "Gene")]
    dose = cell_text(profiles, "Metadata_Dose_uM", row)
    try:
        dose_um = float(dose) if dose else 0.0
    except ValueError:
        dose_um = 0.0
    said = [part for part in done if part]
    if said and dose_um > 0:
        said.append(f"{dose_um:.3g} µM")
    return " · ".join(part for part in (place_name(profiles, row), " ".join(said)) if part)
