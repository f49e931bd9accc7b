"""SMILES read as molecules, once each; what cannot be read is listed, never skipped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_tide.chem.feature_settings import MoleculeForm
from napari_tide.chem.smiles import clean_smiles, standard_or_blank

if TYPE_CHECKING:
    from rdkit.Chem import Mol


@dataclass(frozen=True, slots=True)
class Rejected:
    """A drug without features: where it stood, what was given, and why not."""

    row: int
    given: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Molecules:
    """The readable ones among some SMILES.

    Parameters
    ----------
    structures, smiles
        RDKit molecules, and the text each was read from.
    rows
        Where each stood in the input.
    rejected
        The others.
    """

    structures: tuple[Mol, ...]
    smiles: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    rejected: tuple[Rejected, ...]


def read_molecules(smiles: Sequence[str], *, form: MoleculeForm = "parent") -> Molecules:
    """Read SMILES as they are given, or as their neutral parents without salt and solvent."""
    structures, texts, rows, rejected = [], [], [], []
    for row, given in enumerate(smiles):
        text = standard_or_blank(given) if form == "parent" else clean_smiles(given)
        structure = read_molecule(text)
        if structure is None:
            is_blank = not clean_smiles(given)
            reason = "no SMILES is given" if is_blank else "RDKit cannot read the SMILES"
            rejected.append(Rejected(row, given, reason))
        else:
            structures.append(structure)
            texts.append(text)
            rows.append(row)
    return Molecules(
        tuple(structures), tuple(texts), np.array(rows, dtype=np.int64), tuple(rejected)
    )


def read_molecule(smiles: str) -> Mol | None:
    """Read one SMILES, or give nothing where RDKit rejects it."""
    if not smiles.strip():
        return None
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)
