"""Circular fingerprints: which atom neighbourhoods a molecule has.

ECFP4 tells atoms apart by element and bonding, FCFP4 by what they do (donor, acceptor, charge …);
both look two bonds far (Rogers and Hahn 2010).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from rdkit import Chem, rdBase
from rdkit.Chem import rdFingerprintGenerator

from napari_tide.errors import MoleculeValueError

FingerprintKind = Literal["ecfp4", "fcfp4"]
RADIUS = 2


def circular_fingerprint(
    smiles: str, kind: FingerprintKind, *, n_bits: int = 1024
) -> npt.NDArray[np.uint8]:
    """Fold a molecule's neighbourhoods into `n_bits` zeros and ones.

    Raises
    ------
    MoleculeValueError
        The SMILES cannot be read.
    """
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or not smiles.strip():
        message = f"{smiles!r} is not a SMILES that RDKit can read; check its valences and brackets"
        raise MoleculeValueError(message)
    invariants = rdFingerprintGenerator.GetMorganFeatureAtomInvGen() if kind == "fcfp4" else None
    generator = rdFingerprintGenerator.GetMorganGenerator(
        radius=RADIUS, fpSize=n_bits, atomInvariantsGenerator=invariants
    )
    bits: npt.NDArray[np.uint8] = generator.GetFingerprintAsNumPy(molecule).astype(np.uint8)
    return bits
