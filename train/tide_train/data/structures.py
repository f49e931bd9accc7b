"""Structures of drugs from tables that name them, for expression files that give none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from napari_tide.errors import TrainValueError
from tide_train.data.pairing import fold_name

_SMILES = ("smiles", "canonical_smiles")
_IDS = ("pert_id", "broad_id", "broad_sample")
_NAMES = ("compound", "cmap_name", "pert_iname", "treatment")
_BROAD_ID = re.compile(r"BRD-[AKUM]\d{8}")


def read_structures(paths: Sequence[Path]) -> dict[str, str]:
    """Read SMILES by drug name and by Broad compound id; the first that says something wins.

    Parameters
    ----------
    paths
        CSV, tab-separated or Parquet tables with a column ``smiles`` (or ``canonical_smiles``) and
        one of ``compound``, ``pert_iname``, ``cmap_name``, ``treatment``, ``pert_id``, ``broad_id``
        or ``broad_sample``; case does not matter. Such are JUMP's compound metadata, RxRx3's
        metadata, and the Drug Repurposing Hub's sample annotation with its ``!`` lines.

    Raises
    ------
    TrainValueError
        A table cannot be read, or lacks such columns.
    """
    found: dict[str, str] = {}
    for path in paths:
        table = _read(path)
        smiles = [name for name in _SMILES if name in table]
        keys = [name for name in (*_IDS, *_NAMES) if name in table]
        if not smiles or not keys:
            message = (
                f"{path} names no structures: it has columns {list(table.columns)[:12]}; expected "
                f"smiles and one of {', '.join((*_NAMES, *_IDS))}"
            )
            raise TrainValueError(message)
        known = table[table[smiles[0]].notna()]
        for key in keys:
            for name, text in zip(known[key], known[smiles[0]], strict=True):
                found.setdefault(structure_key(name), _first(str(text)))
    found.pop(structure_key(float("nan")), None)
    return found


def structures_of(samples: pd.DataFrame, structures: Mapping[str, str]) -> list[str]:
    """Find each sample's SMILES by its Broad compound id where it has one, else by its name."""
    ids = samples["pert_id"] if "pert_id" in samples else samples["compound"]
    by_key = {structure_key(name): smiles for name, smiles in structures.items()}
    return [
        by_key.get(structure_key(known), "") or by_key.get(structure_key(name), "")
        for known, name in zip(ids, samples["compound"], strict=True)
    ]


def structure_key(name: object) -> str:
    """Bring names to one spelling; a sample's id becomes that of its compound, without the lot."""
    match = _BROAD_ID.match(str(name))
    return match.group() if match else fold_name(name)


def _first(smiles: str) -> str:
    """Take one SMILES of a list, such as the Hub gives for compounds sold in several forms."""
    return smiles.split(", ", maxsplit=1)[0].strip()


def _read(path: Path) -> pd.DataFrame:
    try:
        table = _parsed(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"{path} cannot be read ({reason}); give a CSV, tab-separated or Parquet table"
        raise TrainValueError(message) from error
    return table.rename(columns=lambda name: str(name).lower())


def _parsed(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    is_tabbed = any(suffix in (".tsv", ".txt") for suffix in path.suffixes)
    return pd.read_csv(
        path, sep="\t" if is_tabbed else ",", comment="!", dtype=str, encoding="latin-1"
    )
