"""Reading which compound acts on which gene: lists of targets, affinities, pairs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from napari_tide.chem.inchikeys import inchikey_or_blank
from napari_tide.discovery.compound_index import CompoundIndex
from napari_tide.discovery.drug_gene_truth import (
    NEGATIVE_NM,
    POSITIVE_NM,
    DrugGeneTruth,
    truth_from_pairs,
)
from napari_tide.errors import TruthFormatError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.annotation_columns import recognise
from napari_tide.screens.table_file import read_table_file

_NAMES = (
    "compound", "compoundname", "pertiname", "cmapname", "drug", "drugname", "treatment",
    "molecule", "chemical",
)  # fmt: skip
_MEANINGS: Mapping[str, tuple[str, ...]] = {
    "compound": _NAMES,
    "broad": ("broadsample", "broadid", "pertid"),
    "inchikey": ("inchikey", "standardinchikey"),
    "smiles": ("smilesstandard", "smiles", "canonicalsmiles", "isomericsmiles"),
    "gene": ("gene", "genesymbol", "targetgene", "symbol", "genename", "hgncsymbol"),
    "targets": ("targets", "target", "targetlist", "targetnames"),
    "affinity": (
        "nmvalue", "affinitynm", "kinm", "kdnm", "ic50nm", "ec50nm", "potencynm", "valuenm", "nm",
    ),
    "is_target": ("istarget",),
}  # fmt: skip
_IDENTIFIERS = ("compound", "broad", "inchikey", "smiles")
_BETWEEN_GENES = re.compile(r"[|;,]")
_AFFINITY = re.compile(r"\s*(?P<sign>[<>=~≤≥]*)\s*(?P<number>\S+)\s*")
_YES = ("true", "1", "yes")


@dataclass(frozen=True, slots=True)
class TruthReading:
    """A truth as it was read, with what was matched and what was not."""

    truth: DrugGeneTruth
    notes: tuple[str, ...]


def read_drug_gene_truth(
    path: Path,
    index: CompoundIndex | None = None,
    *,
    affinity_column: str = "",
    positive_nm: float = POSITIVE_NM,
    negative_nm: float = NEGATIVE_NM,
) -> TruthReading:
    """Read a table of any of these kinds, whatever its columns are called.

    - a compound and a list of targets (``GENE1|GENE2``): a screen's table, JUMP compound metadata,
      the Drug Repurposing Hub;
    - a compound, a gene and an affinity in nM;
    - a compound and a gene, and perhaps ``is_target``, as a simulated screen's truth.

    Parameters
    ----------
    index
        The screen's compounds; rows about others only tell which genes are annotated, and names
        become the screen's.
    affinity_column
        The column of affinities in nM, where its name does not tell.

    Raises
    ------
    TruthFormatError, ScreenFormatError, ScreenMissingError
        The table is not there, or not of these kinds.
    """
    return truth_from_table(
        read_table_file(path),
        index,
        source=path.name,
        affinity_column=affinity_column,
        positive_nm=positive_nm,
        negative_nm=negative_nm,
    )


def truth_from_profiles(profiles: Profiles, index: CompoundIndex) -> TruthReading:
    """Take the targets from a profile table's own column of targets.

    Raises
    ------
    TruthFormatError
        It has none.
    """
    metadata = profiles.metadata
    wanted = recognise(
        [str(name) for name in metadata.columns], meanings={"targets": _MEANINGS["targets"]}
    )
    if not wanted:
        message = "the profiles list no targets of their compounds; give a table of them: --truth F"
        raise TruthFormatError(message)
    table = pd.DataFrame(
        {
            "compound": profiles.column("Metadata_Compound"),
            "targets": profiles.column(wanted["targets"]),
        }
    )
    return truth_from_table(table.drop_duplicates(), index, source="the profiles' own targets")


def truth_from_table(
    table: pd.DataFrame,
    index: CompoundIndex | None = None,
    *,
    source: str,
    affinity_column: str = "",
    positive_nm: float = POSITIVE_NM,
    negative_nm: float = NEGATIVE_NM,
) -> TruthReading:
    """Find the columns of a table of text, match its compounds and sort its pairs."""
    columns = _columns(table, source, affinity_column)
    notes: list[str] = []
    compound = _compounds(table, columns, index, notes)
    genes = table[columns.get("gene", columns.get("targets", ""))]
    pairs = pd.DataFrame({"compound": compound, "gene": genes.map(_genes_in)})
    pairs["affinity_nm"] = _affinities(table, columns)
    pairs = pairs.explode("gene", ignore_index=True).dropna(subset=["gene"])
    if "affinity" in columns:
        n_missing = int(pairs["affinity_nm"].isna().sum())
        pairs = pairs.dropna(subset=["affinity_nm"])
        if n_missing:
            notes.append(f"{n_missing} pairs of {source} left out: no affinity")
    known = pairs[pairs["compound"] != ""]
    if known.empty:
        message = f"{source} names no compound of this screen with a gene; check that names agree"
        raise TruthFormatError(message)
    truth = truth_from_pairs(known, source=source, positive_nm=positive_nm, negative_nm=negative_nm)
    annotated = frozenset(map(str, pairs["gene"]))  # by whichever compound, of this screen or not
    return TruthReading(replace(truth, genes=annotated), tuple(notes))


def _columns(table: pd.DataFrame, source: str, affinity_column: str) -> dict[str, str]:
    headers = [str(name) for name in table.columns]
    columns = recognise(headers, meanings=_MEANINGS)
    if affinity_column:
        if affinity_column not in headers:
            message = f"{source} has no column {affinity_column!r}. Available: {headers}"
            raise TruthFormatError(message)
        columns["affinity"] = affinity_column
    has_compound = any(word in columns for word in _IDENTIFIERS)
    if not has_compound or not ("gene" in columns or "targets" in columns):
        message = (
            f"{source} needs a column of compounds (compound, InChIKey or SMILES) and one of genes "
            f"(gene or targets); it has {headers}"
        )
        raise TruthFormatError(message)
    return columns


def _compounds(
    table: pd.DataFrame, columns: Mapping[str, str], index: CompoundIndex | None, notes: list[str]
) -> pd.Series:
    present = [columns[word] for word in _IDENTIFIERS if word in columns]
    called = table[present].astype(str)
    if index is None:
        return called.replace("", np.nan).bfill(axis=1).iloc[:, 0].fillna("")
    distinct = called.drop_duplicates()
    smiles = columns.get("smiles")
    found = {}
    for row in distinct.itertuples(index=False, name=None):
        texts = [
            inchikey_or_blank(text) if header == smiles else text
            for header, text in zip(present, row, strict=True)
        ]
        found[row] = index.find(*texts)
    names = [found[row] for row in called.itertuples(index=False, name=None)]
    n_matched, n_screen = len({*names} - {""}), len({*index.name_of.values()})
    notes.append(f"{n_matched} of the screen's {n_screen} compounds are in the truth table")
    return pd.Series(names, index=table.index, dtype=object)


def _genes_in(text: str) -> list[str]:
    return [gene for part in _BETWEEN_GENES.split(str(text)) if (gene := part.strip())]


def _affinities(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.Series:
    """Give affinities in nM: infinite where a pair is said to be none, NaN where nothing is."""
    if "affinity" in columns:
        return table[columns["affinity"]].map(_affinity_in).astype(float)
    if "is_target" in columns:
        is_target = table[columns["is_target"]].map(lambda text: str(text).lower() in _YES)
        return pd.Series(np.where(is_target, np.nan, np.inf), index=table.index)
    return pd.Series(np.nan, index=table.index)


def _affinity_in(text: str) -> float:
    """Read ``12.5``, ``<10`` or ``>10000``; more than a limit lies beyond it."""
    match = _AFFINITY.fullmatch(str(text))
    try:
        value = float(match["number"]) if match else np.nan
    except ValueError:
        return np.nan
    beyond = match is not None and match["sign"] in (">", "≥", ">=", ">>")
    return float(np.nextafter(value, np.inf)) if beyond else value
