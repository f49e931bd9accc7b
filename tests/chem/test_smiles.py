import time
import warnings

import pytest

from napari_tide.chem.inchikeys import inchikey_of, inchikey_or_blank, is_inchikey
from napari_tide.chem.smiles import clean_smiles, standardise_many, standardise_smiles
from napari_tide.errors import MoleculeValueError


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("CC |r,&1:3|", "CC"),
        ("  C[C@H](O)CN1C=CN=C1 |&1:1,r,c:6,8|\n", "C[C@H](O)CN1C=CN=C1"),
        ("CC(=O)[O-].[Na+]", "CC(=O)[O-].[Na+]"),
        ("CCO\tethanol", "CCO"),
        ("", ""),
        (" \t", ""),
    ],
)
def test_only_the_smiles_itself_is_kept(text, clean):
    assert clean_smiles(text) == clean


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        ("OCC", "CCO"),
        ("C(C)O |c:1|", "CCO"),
        ("CC(=O)[O-].[Na+]", "CC(=O)O"),
        ("C[NH2+]C.[Cl-]", "CNC"),
        ("CS(C)=O", "C[S+](C)[O-]"),  # RDKit's choice for a sulfoxide, and JUMP's for DMSO
        ("", ""),
    ],
)
def test_one_drug_has_one_standard_form(text, standard):
    assert standardise_smiles(text) == standard


@pytest.mark.parametrize("text", ["no structure", "C(C)(C)(C)(C)C", "c1cc1", "CC, CCO"])
def test_rejected_smiles_are_refused_by_name_and_in_silence(text, capfd):
    with pytest.raises(MoleculeValueError, match="is no SMILES that RDKit can read") as refused:
        standardise_smiles(text)
    assert repr(text) in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_many_smiles_keep_their_places_and_one_warning_tells_what_was_rejected():
    with pytest.warns(UserWarning, match="RDKit rejects 2 SMILES, the first is 'nonsense'"):
        standard = standardise_many(["OCC", "nonsense", "", "c1cc1", "OCC", "nonsense"])
    assert standard == ["CCO", "", "", "", "CCO", ""]


def test_repeated_smiles_cost_nothing():
    library = ["C" * n + "[NH3+].[Cl-]" for n in range(1, 100)]
    standardise_many(library)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        standardise_many(library * 100)
    assert time.perf_counter() - began < 1.0  # some 10 s without the cache


def test_inchikeys_join_tables_that_write_a_structure_differently():
    assert inchikey_of("C[S+](C)[O-]") == "IAZDPXIOMUYVGZ-UHFFFAOYSA-N"  # JUMP's key for DMSO
    assert inchikey_of("CS(C)=O |c:1|") == "IAZDPXIOMUYVGZ-UHFFFAOYSA-N"
    assert inchikey_or_blank("nonsense") == inchikey_or_blank("") == ""
    assert is_inchikey("IAZDPXIOMUYVGZ-UHFFFAOYSA-N")
    assert not is_inchikey("DMSO")
    with pytest.raises(MoleculeValueError, match="has no InChIKey"):
        inchikey_of("nonsense")
