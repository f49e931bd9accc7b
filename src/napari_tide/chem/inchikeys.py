"""InChIKeys: the name of a structure that tables of different origin share."""

from __future__ import annotations

import functools
import re

from napari_tide.chem.smiles import clean_smiles
from napari_tide.errors import MoleculeValueError

_INCHIKEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_CACHE_SIZE = 65_536


def inchikey_of(smiles: str) -> str:
    """Give the standard InChIKey of a SMILES as it is written, salts included.

    Raises
    ------
    MoleculeValueError
        RDKit rejects the SMILES.
    """
    key = inchikey_or_blank(smiles)
    if not key:
        message = f"{smiles!r} is no SMILES that RDKit can read, so it has no InChIKey; correct it"
        raise MoleculeValueError(message)
    return key


def inchikey_or_blank(smiles: str) -> str:
    """Give the InChIKey, or ``""`` where there is no structure or RDKit rejects it."""
    return _inchikey(clean_smiles(smiles))


def is_inchikey(text: str) -> bool:
    """Tell whether the text has the form of an InChIKey."""
    return _INCHIKEY.fullmatch(text.strip()) is not None


@functools.lru_cache(maxsize=_CACHE_SIZE)
def _inchikey(smiles: str) -> str:
    if not smiles:
        return ""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
        if molecule is None:
            return ""
        return str(Chem.MolToInchiKey(molecule))  # type: ignore[no-untyped-call]
