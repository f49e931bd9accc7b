"""The plate as the map draws it: which wells are there, in which colour, and what they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY
from napari_tide.screens.well import Well
from napari_tide.viewmodels.well_colouring import (
    IMAGED,
    RGB,
    Legend,
    colour_by_category,
    colour_by_number,
    is_numeric,
)

EITHER = "compound_or_gene"
TITLES: Mapping[str, str] = {
    EITHER: "Compound or gene",
    "compound": "Compound",
    "dose_um": "Dose (µM)",
    "gene": "Gene",
    "control": "Control",
    "moa": "Mechanism",
    "targets": "Targets",
    "perturbation_type": "Perturbation type",
    "cell_line": "Cell line",
    "batch": "Batch",
    "n_sites": "Sites imaged",
}
CONTROL_TITLES: Mapping[str, str] = {"negcon": "negative control", "poscon": "positive control"}
_PREFERRED = (EITHER, "compound", "gene", "control", "perturbation_type")
_NEVER = {*KEY, "smiles", "smiles_standard"}


@dataclass(frozen=True, slots=True)
class ColourChoice:
    """A column wells can be coloured by, and what a user calls it."""

    column: str
    title: str


NO_COLOUR = ColourChoice("", "Imaged wells")


@dataclass(frozen=True, slots=True)
class Treatment:
    """What was done to one well."""

    compound: str
    dose_um: float
    gene: str
    control: str
    perturbation_type: str = ""

    def describe(self) -> str:
        """Say it as a user would: ``"nocodazole 2.5 µM"``, ``"DMSO (negative control)"``."""
        dose = f"{self.dose_um:.3g} µM" if self.compound and self.dose_um > 0 else ""
        knock_out = "knock-out" if self.gene and self.perturbation_type == "crispr" else ""
        said = " ".join(part for part in (self.compound, dose, self.gene, knock_out) if part)
        control = CONTROL_TITLES.get(self.control, "")
        return f"{said} ({control})" if said and control else said or control


@dataclass(frozen=True)
class PlateTable:
    """One plate's wells: the first site's row of each, with how many sites it has."""

    wells: pd.DataFrame
    rows: Mapping[Well, tuple[int, ...]]
    treatments: Mapping[Well, Treatment]

    @classmethod
    def of(cls, screen: Screen, plate: str) -> PlateTable:
        """Collect the wells of one plate."""
        sites = screen.sites[screen.sites["plate"] == plate]
        parsed = {name: Well.parse(name) for name in sites["well"].unique()}
        positions = sites.groupby("well", sort=False).indices
        numbers = sites.index.to_numpy()
        rows = {parsed[name]: tuple(numbers[places].tolist()) for name, places in positions.items()}
        wells = sites.drop_duplicates("well").copy()
        wells.index = pd.Index([parsed[name] for name in wells["well"]], dtype=object)
        wells["n_sites"] = [len(rows[well]) for well in wells.index]
        said = wells[["compound", "dose_um", "gene", "control", "perturbation_type"]]
        treatments = {
            well: Treatment(*values)
            for well, values in zip(wells.index, said.itertuples(index=False), strict=True)
        }
        if (wells["compound"] != "").any() and (wells["gene"] != "").any():
            wells[EITHER] = wells["compound"].where(wells["compound"] != "", wells["gene"])
        return cls(wells, rows, treatments)

    def choices(self) -> list[ColourChoice]:
        """List the columns that tell something about these wells."""
        columns = [name for name in self.wells.columns if self._says_something(name)]
        known = [name for name in TITLES if name in columns]
        others = [name for name in columns if name not in TITLES]
        return [NO_COLOUR, *(ColourChoice(name, TITLES.get(name, name)) for name in known + others)]

    def preferred(self) -> ColourChoice:
        """Give the column to start with: what was done to the wells, where it is known."""
        choices = {choice.column: choice for choice in self.choices()}
        return next((choices[name] for name in _PREFERRED if name in choices), NO_COLOUR)

    def colours(self, choice: ColourChoice) -> tuple[dict[Well, RGB], Legend]:
        """Colour the wells by a column; wells it says nothing about have no entry."""
        if choice.column not in self.wells.columns:
            return dict.fromkeys(self.wells.index, IMAGED), Legend()
        values = self.wells[choice.column]
        if is_numeric(values):
            numbers = dict(zip(values.index, values.astype(float), strict=True))
            return colour_by_number(numbers, is_dose=choice.column == "dose_um")
        texts = [CONTROL_TITLES.get(str(value), str(value)) for value in values.fillna("")]
        vehicle = set(self.wells.loc[self.wells["control"] == "negcon", "compound"])
        neutral = vehicle if choice.column in (EITHER, "compound") else ()
        return colour_by_category(dict(zip(values.index, texts, strict=True)), neutral=neutral)

    def control(self, well: Well) -> str:
        """Say whether a well is ``"negcon"``, ``"poscon"`` or neither."""
        return self.treatments[well].control if well in self.treatments else ""

    def treatment(self, well: Well) -> str:
        """Say what was done to a well: ``"nocodazole 2.5 µM"``."""
        return self.treatments[well].describe()

    def describe(self, well: Well) -> str:
        """Say who a well is: ``"B03 · nocodazole 2.5 µM · 2 sites"``."""
        if well not in self.rows:
            return f"{well} · not imaged"
        n_sites = len(self.rows[well])
        sites = f"{n_sites} site{'s' if n_sites > 1 else ''}"
        return " · ".join(part for part in (well.name, self.treatment(well), sites) if part)

    def _says_something(self, column: str) -> bool:
        if column in _NEVER or column.startswith(("path_", "illum_")):
            return False
        values = self.wells[column]
        if column == "n_sites" or column not in TITLES:
            return len(values.unique()) > 1
        return bool(values.notna().any() if is_numeric(values) else (values != "").any())
