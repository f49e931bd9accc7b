"""Doses as tables have them, in text, read in one go; what cannot be read is kept to be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from napari_tide.chem.doses import MISSING, parse_dose_um
from napari_tide.errors import MoleculeValueError


@dataclass(frozen=True, slots=True, eq=False)
class Doses:
    """A column of doses, read.

    Parameters
    ----------
    header
        The column they come from.
    values_um
        Micromolar; missing ones and those that cannot be read are NaN.
    unreadable
        Each text that is no dose, to the sentence that says why.
    texts
        The column as read, units of a column beside it joined on.
    """

    header: str
    values_um: pd.Series
    unreadable: Mapping[str, str]
    texts: pd.Series

    def first_unreadable(self) -> tuple[int, str] | None:
        """Give the place of the first dose that cannot be read, and why."""
        wrong = self.texts.isin(list(self.unreadable)).to_numpy()
        if not wrong.any():
            return None
        place = int(wrong.argmax())
        return place, self.unreadable[self.texts.iloc[place]]


def doses_in(texts: pd.Series, *, header: str, unit: str = "uM") -> Doses:
    """Read texts such as ``"10 uM"``, ``"500 nM"`` or ``"2.5"``, each distinct one once."""
    dose_of: dict[str, float] = {}
    unreadable: dict[str, str] = {}
    for text in texts.unique():
        dose_of[text] = math.nan
        if text.strip().lower() not in MISSING:
            try:
                dose_of[text] = parse_dose_um(text, unit=unit)
            except MoleculeValueError as error:
                unreadable[text] = str(error)
    return Doses(header, texts.map(dose_of).astype(float), unreadable, texts)
