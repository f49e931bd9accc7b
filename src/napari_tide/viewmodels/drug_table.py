"""The student's drugs as the open screen knows them: what they do, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_tide.chem.smiles import standard_or_blank
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.point_links import NONE, PointLinks

if TYPE_CHECKING:  # it brings torch along
    from napari_tide.students.bundle_config import Drug


@dataclass(frozen=True, eq=False)
class DrugTable:
    """One row a drug: name, SMILES, mechanism, targets, highest dose and number of wells.

    `links` says which rows of the site table are a drug's; drugs are told by their SMILES, and by
    their name where either side has none.
    """

    drugs: pd.DataFrame
    links: PointLinks

    @classmethod
    def of(cls, drugs: Sequence[Drug], screen: Screen | None) -> DrugTable:
        """Look every drug up on a screen; without a screen only name and SMILES are known."""
        table = pd.DataFrame(
            {
                "name": [drug.name for drug in drugs],
                "smiles": [drug.smiles for drug in drugs],
                "moa": "",
                "targets": "",
                "dose_um": np.nan,
                "n_wells": 0,
            }
        )
        if screen is None:
            return cls(table, PointLinks(np.arange(len(drugs)), np.empty(0, dtype=np.int64)))
        links = PointLinks(np.arange(len(drugs)), _drug_of_rows(drugs, screen.sites))
        return cls(_annotated(table, screen.sites, links), links)

    @property
    def names(self) -> list[str]:
        """The drugs' names, in the student's order."""
        return self.drugs["name"].tolist()

    def __len__(self) -> int:
        """Count the drugs."""
        return len(self.drugs)

    def describe(self, drug: int) -> str:
        """Say who a drug is: ``"nocodazole · tubulin inhibitor · 6 wells"``."""
        row = self.drugs.iloc[drug]
        n_wells = int(row["n_wells"])
        wells = f"{n_wells} well{'s' if n_wells > 1 else ''}" if n_wells else "not on this screen"
        targets = _shortened(row["targets"])
        return " · ".join(part for part in (row["name"], row["moa"], targets, wells) if part)

    def matches(self, text: str) -> list[int]:
        """List the drugs whose name, mechanism or targets hold a text, whatever its case."""
        wanted = text.strip().casefold()
        if not wanted:
            return []
        names = self.drugs["name"].str.casefold()
        exact = names == wanted
        if exact.any():
            return [int(drug) for drug in np.flatnonzero(exact)]
        found = names.str.contains(wanted, regex=False)
        for column in ("moa", "targets"):
            found |= self.drugs[column].str.casefold().str.contains(wanted, regex=False)
        return [int(drug) for drug in np.flatnonzero(found)]


def _drug_of_rows(drugs: Sequence[Drug], sites: pd.DataFrame) -> np.ndarray:
    by_name = {drug.name.casefold(): number for number, drug in enumerate(drugs)}
    by_smiles: dict[str, int] = {}
    for number, drug in enumerate(drugs):
        standard = standard_or_blank(drug.smiles) if drug.smiles else ""
        if standard:
            by_smiles.setdefault(standard, number)
    pairs = sites[["compound", "smiles_standard"]].astype(str)
    known: dict[tuple[str, str], int] = {}
    for compound, smiles in pairs.drop_duplicates().itertuples(index=False):
        by_its_name = by_name.get(compound.casefold(), NONE) if compound else NONE
        known[compound, smiles] = by_smiles.get(smiles, by_its_name) if smiles else by_its_name
    rows = zip(pairs["compound"], pairs["smiles_standard"], strict=True)
    return np.fromiter((known[pair] for pair in rows), dtype=np.int64, count=len(pairs))


def _annotated(table: pd.DataFrame, sites: pd.DataFrame, links: PointLinks) -> pd.DataFrame:
    there = links.group_of_row_R != NONE
    rows = sites[there].assign(drug=links.group_of_row_R[there])
    if rows.empty:
        return table
    by_drug = rows.groupby("drug", sort=False)
    for column in ("moa", "targets"):
        if column in rows.columns:
            table[column] = by_drug[column].first().reindex(table.index, fill_value="")
    table["dose_um"] = by_drug["dose_um"].max().reindex(table.index)
    wells = rows.drop_duplicates(["drug", "plate", "well"]).groupby("drug").size()
    table["n_wells"] = wells.reindex(table.index, fill_value=0)
    return table


def _shortened(targets: str, *, most: int = 4) -> str:
    names = [name for name in targets.split("|") if name]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
