"""Tables of other tools (CellProfiler, DeepProfiler, embeddings) as profiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.errors import ProfileFormatError
from napari_tide.profiles.profiles import METADATA_COLUMNS, Level, Profiles

# what other tables call our columns, lower case, in order of preference
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "Metadata_Plate": ("metadata_plate", "metadata_assay_plate_barcode", "image_metadata_plate"),
    "Metadata_Well": ("metadata_well", "metadata_well_position", "image_metadata_well"),
    "Metadata_Site": ("metadata_site", "metadata_fieldid", "image_metadata_site"),
    "Metadata_Batch": ("metadata_batch",),
    "Metadata_Cell_Line": ("metadata_cell_line", "metadata_cell_type", "metadata_cell_id"),
    "Metadata_Compound": ("metadata_compound", "metadata_pert_iname", "metadata_broad_sample"),
    "Metadata_SMILES": ("metadata_smiles",),
    # the Broad's mmoles_per_liter: mM of the stock, and so the number of µM in the well
    "Metadata_Dose_uM": ("metadata_dose_um", "metadata_mmoles_per_liter", "metadata_concentration"),
    "Metadata_Gene": ("metadata_gene", "metadata_symbol", "metadata_gene_symbol"),
    "Metadata_Control": ("metadata_control", "metadata_control_type"),
}
_OBJECT_COLUMNS = ("imagenumber", "objectnumber", "tablenumber")
_NEGATIVE_WORDS = ("negcon", "negative_control", "dmso", "empty_control", "neg")


def from_foreign_table(table: pd.DataFrame, path: Path) -> Profiles:
    """Give a table in the Cytomining convention as profiles.

    Columns that start with ``Metadata_`` are metadata; the other numeric ones are features. Names
    that mean one of our metadata columns are copied under ours; nothing of the table is dropped.

    Raises
    ------
    ProfileFormatError
        The table is empty or has no metadata or no features.
    """
    if table.empty:
        message = f"{path} has no rows; export it again"
        raise ProfileFormatError(message)
    metadata_names = [name for name in table.columns if _is_metadata(str(name))]
    if not metadata_names:
        message = f"{path} has no Metadata_ columns; expected Metadata_Plate and Metadata_Well"
        raise ProfileFormatError(message)
    others = [name for name in table.columns if name not in set(metadata_names)]
    numbers = table[others].select_dtypes("number")
    features = numbers.drop(columns=[n for n in numbers if str(n).lower() in _OBJECT_COLUMNS])
    if features.shape[1] == 0:
        message = f"{path} has no numeric feature columns beside {metadata_names[:5]}"
        raise ProfileFormatError(message)
    values = features.to_numpy(dtype=np.float64)
    metadata = _with_our_names(table[metadata_names].reset_index(drop=True))
    return Profiles(metadata, values, tuple(map(str, features.columns)), _level_of(metadata))


def _is_metadata(name: str) -> bool:
    return name.startswith(("Metadata_", "Image_Metadata_"))


def _with_our_names(metadata: pd.DataFrame) -> pd.DataFrame:
    by_fold = {str(name).lower(): name for name in metadata.columns}
    table = metadata.copy()
    for ours, spellings in SPELLINGS.items():
        if ours not in table.columns:
            found = next((by_fold[name] for name in spellings if name in by_fold), None)
            if found is not None:
                table[ours] = table[found]
    if "Metadata_Control" in table.columns:
        folded = table["Metadata_Control"].astype(object).map(lambda v: str(v).strip().lower())
        table["Metadata_Control"] = folded.map(_control_of)
    return table


def _control_of(word: str) -> str:
    if word in _NEGATIVE_WORDS:
        return "negcon"
    return "poscon" if word.startswith("pos") else ""


def _level_of(metadata: pd.DataFrame) -> Level:
    if "Metadata_Tile_Row" in metadata.columns:
        return "tile"
    if "Metadata_Site" in metadata.columns:
        return "site"
    return "well" if "Metadata_Well" in metadata.columns else "treatment"


def standard_metadata(columns: Mapping[str, object], n_rows: int) -> pd.DataFrame:
    """Build metadata with every standard column, empty where nothing is given."""
    empty = {"Metadata_Dose_uM": np.nan, "Metadata_Tile_Row": -1, "Metadata_Tile_Col": -1}
    filled = {name: columns.get(name, empty.get(name, "")) for name in METADATA_COLUMNS}
    return pd.DataFrame(filled, index=pd.RangeIndex(n_rows))
