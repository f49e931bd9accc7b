"""What the points of drugs and of wells can be coloured by.

Both are described by the same words (mechanism, target, dose ...), so that one choice colours all
three maps and a kind has the same colour on each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.profiles.profiles import Profiles
from napari_tide.viewmodels.drug_table import DrugTable
from napari_tide.viewmodels.map_colouring import CONTROL
from napari_tide.viewmodels.plate_view import ColourChoice
from napari_tide.viewmodels.point_links import NONE, PointLinks

ONE_COLOUR = ColourChoice("", "One colour")
SCORE = ColourChoice("score", "P(drug) in the current well")
KINDS = (
    ColourChoice("moa", "Mechanism"),
    ColourChoice("targets", "Target"),
    ColourChoice("compound", "Compound"),
    ColourChoice("gene", "Gene"),
    ColourChoice("control", "Control"),
    ColourChoice("plate", "Plate"),
    ColourChoice("batch", "Batch"),
    ColourChoice("cell_line", "Cell line"),
)
NUMBERS = (ColourChoice("dose_um", "Dose (µM)"), ColourChoice("n_wells", "Wells on the screen"))
_METADATA = {
    "compound": "Metadata_Compound",
    "gene": "Metadata_Gene",
    "control": "Metadata_Control",
    "plate": "Metadata_Plate",
    "batch": "Metadata_Batch",
    "cell_line": "Metadata_Cell_Line",
    "dose_um": "Metadata_Dose_uM",
}
_WORDS = {"negcon": CONTROL, "poscon": "positive control", "": "treated"}

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PointValues:
    """Columns of text and of numbers, a row a point."""

    table: pd.DataFrame

    @classmethod
    def of_drugs(cls, drugs: DrugTable) -> PointValues:
        """Describe the drugs; a drug of many targets counts for its commonest."""
        table = drugs.drugs[["moa", "targets", "dose_um", "n_wells"]].copy()
        table["targets"] = commonest_targets(table["targets"].tolist())
        return cls(table)

    @classmethod
    def of_profiles(
        cls, profiles: Profiles, sites: pd.DataFrame | None, links: PointLinks
    ) -> PointValues:
        """Describe profiles by their own metadata, and by the screen where it knows more."""
        table = pd.DataFrame(index=range(len(profiles)))
        for column, metadata in _METADATA.items():
            table[column] = profiles.column(metadata).to_numpy()
        if sites is not None:
            _fill_from_sites(table, sites, links)
        table["dose_um"] = pd.to_numeric(table["dose_um"], errors="coerce")
        is_control = (table["control"] == "negcon").to_numpy()
        if "targets" in table.columns:
            table["targets"] = commonest_targets(table["targets"].tolist())
        for column in ("moa", "targets", "compound"):
            if column in table.columns:
                table.loc[is_control, column] = CONTROL
        table["control"] = [_WORDS.get(value, value) for value in table["control"]]
        return cls(table)

    def says(self, column: str) -> bool:
        """Tell whether a column tells any points apart."""
        if column not in self.table.columns:
            return False
        values = set(self.table[column].dropna().unique())
        return len(values) > 1 and (column == "control" or bool(values - {"", CONTROL}))

    def kinds(self, column: str) -> list[str]:
        """Give a column of text; nothing about any point where there is none."""
        if column not in self.table.columns:
            return [""] * len(self.table)
        return [str(value) for value in self.table[column].fillna("")]

    def numbers(self, column: str) -> Numbers:
        """Give a column of numbers; NaN where there is none."""
        if column not in self.table.columns:
            return np.full(len(self.table), np.nan)
        values: Numbers = self.table[column].to_numpy(dtype=np.float64)
        return values


def commonest_targets(targets: Sequence[str]) -> list[str]:
    """Give of each ``"TUBB|TUBA1A"`` the target that most of the others also have."""
    lists = [[name for name in text.split("|") if name] for text in targets]
    counted = Counter(name for names in lists for name in set(names))
    return [min(names, key=lambda n: (-counted[n], n)) if names else "" for names in lists]


def _fill_from_sites(table: pd.DataFrame, sites: pd.DataFrame, links: PointLinks) -> None:
    n_groups = 1 + int(
        max(links.group_of_point_N.max(initial=0), links.group_of_row_R.max(initial=0))
    )
    first_row = np.full(n_groups, NONE)
    there = np.flatnonzero(links.group_of_row_R != NONE)[::-1]  # so that the first row stays
    first_row[links.group_of_row_R[there]] = there
    row_of_point = first_row[links.group_of_point_N]
    is_known = row_of_point != NONE
    for column in ("moa", "targets", *_METADATA):
        if column in sites.columns:
            values = sites[column].to_numpy(dtype=object)
            given = table[column].to_numpy(dtype=object) if column in table.columns else ""
            table[column] = np.where(is_known, values[row_of_point], given)
