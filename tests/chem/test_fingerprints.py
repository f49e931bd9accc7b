"""Fingerprints against values written by the reference code."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tide.chem.fingerprints import circular_fingerprint
from napari_tide.errors import MoleculeValueError


@pytest.mark.parametrize("kind", ["ecfp4", "fcfp4"])
def test_bits_equal_the_reference(oracles, kind):
    stored = np.load(oracles / "eval" / "fp.npz")
    for smiles, expected in zip(stored["smiles"], stored[f"{kind}_1024"], strict=True):
        np.testing.assert_array_equal(circular_fingerprint(str(smiles), kind), expected)


def test_length_follows_the_option():
    assert circular_fingerprint("CCO", "ecfp4", n_bits=2048).shape == (2048,)


def test_two_ways_to_write_a_molecule_give_the_same_bits():
    first = circular_fingerprint("CC(=O)Oc1ccccc1C(=O)O", "fcfp4")
    second = circular_fingerprint("O=C(O)c1ccccc1OC(C)=O", "fcfp4")
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("smiles", ["", "C1CC", "not a molecule", "[PH](=O)(=O)(=O)(=O)C"])
def test_what_rdkit_rejects_is_named(smiles):
    with pytest.raises(MoleculeValueError, match="is not a SMILES that RDKit can read"):
        circular_fingerprint(smiles, "ecfp4")
