"""Which genes a compound is known to hit, from a table a user has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.annotation_table import read_annotation_table
from napari_tide.screens.screen import Screen

_SEPARATORS = re.compile(r"[|;,]")
_TRUE = frozenset({"true", "1", "yes", "y", "t"})
_IS_TARGET = "is_target"
_LISTS = ("Metadata_Targets", "Metadata_target_list", "Metadata_Target")


@dataclass(frozen=True, slots=True)
class KnownTargets:
    """Targets by compound; names of either are told apart without their case."""

    genes_of: Mapping[str, frozenset[str]]

    def is_target(self, compound: str, gene: str) -> bool | None:
        """Tell whether a gene is a known target; nothing where none is known of the compound."""
        genes = self.genes_of.get(_fold(compound))
        return None if not genes else _fold(gene) in genes


def read_known_targets(path: Path) -> KnownTargets:
    """Read a table of compounds and genes, or of compounds and lists of targets.

    A column ``is_target``, where there is one, says which rows count.

    Raises
    ------
    ScreenMissingError, ScreenFormatError
        The file is not there, is no table, or has no such columns.
    """
    table = read_annotation_table(path)
    rows = table.rows
    column = "gene" if table.has("gene") and not table.has("targets") else "targets"
    if not table.has("compound", column):
        message = (
            f"{path} has columns {', '.join(map(str, rows.columns[:8]))}; expected compound and "
            "gene, or compound and targets"
        )
        raise ScreenFormatError(message)
    counted = [name for name in rows.columns if str(name).strip().lower() == _IS_TARGET]
    if counted:
        rows = rows[rows[counted[0]].astype(str).str.strip().str.lower().isin(_TRUE)]
    return _collect(rows["compound"], rows[column])


def targets_in_profiles(profiles: Profiles) -> KnownTargets | None:
    """Take the targets that profiles say of their compounds, where they say any."""
    for name in _LISTS:
        if name in profiles.metadata.columns:
            pairs = pd.DataFrame(
                {"compound": profiles.column("Metadata_Compound"), "targets": profiles.column(name)}
            ).drop_duplicates()
            found = _collect(pairs["compound"], pairs["targets"])
            return found if found.genes_of else None
    return None


def targets_in_screen(screen: Screen) -> KnownTargets | None:
    """Take the targets a screen's table says of its compounds, where it says any."""
    pairs = screen.sites[["compound", "targets"]].drop_duplicates()
    found = _collect(pairs["compound"], pairs["targets"])
    return found if found.genes_of else None


def _collect(compounds: pd.Series, targets: pd.Series) -> KnownTargets:
    genes_of: dict[str, set[str]] = {}
    for compound, text in zip(compounds.map(str), targets.map(str), strict=True):
        genes = {_fold(gene) for gene in _SEPARATORS.split(text) if gene.strip()}
        if compound.strip() and genes:
            genes_of.setdefault(_fold(compound), set()).update(genes)
    return KnownTargets({compound: frozenset(genes) for compound, genes in genes_of.items()})


def _fold(name: str) -> str:
    return name.strip().casefold()
