"""Circular fingerprints: which atom neighbourhoods a molecule has.

ECFP4 tells atoms apart by element and bonding, FCFP4 by what they do (donor, acceptor, charge …);
both look two bonds far (Rogers and Hahn 2010).

Shapes: N and K molecules, F bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from napari_tide.chem.feature_settings import FingerprintKind
from napari_tide.chem.molecules import read_molecule
from napari_tide.errors import MoleculeValueError

RADIUS = 2

Bits = npt.NDArray[np.uint8]


def circular_fingerprint(smiles: str, kind: FingerprintKind, *, n_bits: int = 1024) -> Bits:
    """Fold a molecule's neighbourhoods into `n_bits` zeros and ones.

    Raises
    ------
    MoleculeValueError
        The SMILES cannot be read.
    """
    molecule = read_molecule(smiles)
    if molecule is None:
        message = f"{smiles!r} is not a SMILES that RDKit can read; check its valences and brackets"
        raise MoleculeValueError(message)
    bits: Bits = circular_fingerprints([molecule], kind, n_bits=n_bits)[0]
    return bits


def circular_fingerprints(
    molecules: Sequence[Chem.Mol], kind: FingerprintKind, *, n_bits: int = 1024
) -> Bits:
    """Fold many molecules, a row each; the generator is built once."""
    invariants = rdFingerprintGenerator.GetMorganFeatureAtomInvGen() if kind == "fcfp4" else None
    generator = rdFingerprintGenerator.GetMorganGenerator(
        radius=RADIUS, fpSize=n_bits, atomInvariantsGenerator=invariants
    )
    bits_NF = np.zeros((len(molecules), n_bits), dtype=np.uint8)
    for row, molecule in enumerate(molecules):
        bits_NF[row] = generator.GetFingerprintAsNumPy(molecule)
    return bits_NF


def jaccard_similarities(
    bits_NF: npt.NDArray[np.generic], bits_KF: npt.NDArray[np.generic]
) -> npt.NDArray[np.float32]:
    """Give the share of common bits among all bits of each pair; two without bits are equal."""
    ones_NF, ones_KF = ((bits != 0).astype(np.float32) for bits in (bits_NF, bits_KF))
    common_NK = ones_NF @ ones_KF.T
    union_NK = ones_NF.sum(axis=1)[:, None] + ones_KF.sum(axis=1)[None] - common_NK
    shares_NK: npt.NDArray[np.float32] = np.ones_like(common_NK)
    np.divide(common_NK, union_NK, out=shares_NK, where=union_NK > 0)
    return shares_NK
