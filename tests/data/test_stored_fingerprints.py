"""Fingerprints that travel: the same bits as RDKit gives, folded and found without it."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from napari_tide.chem import feature_table
from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.chem.molecular_features import molecular_features
from napari_tide.errors import FeatureTableFormatError, FeatureTableMissingError, TrainValueError
from tide_train.data import drug_table as drug_table_module
from tide_train.data.drug_table import DrugFeatures, drug_table
from tide_train.data.stored_fingerprints import StoredFingerprints

SMILES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "salt": "CC(=O)[O-].[Na+]",
    "broken": "C1CC",
    "mystery": "",
}


def metadata():
    rows = [(name, smiles, "") for name, smiles in SMILES.items() for _ in range(2)]
    rows += [("DMSO", "CS(C)=O", "negcon")] * 2
    return pd.DataFrame(rows, columns=["Metadata_Compound", "Metadata_SMILES", "Metadata_Control"])


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "drugs.safetensors"
    StoredFingerprints.of_metadata(metadata()).write(path)
    return path


@pytest.fixture
def without_rdkit(monkeypatch):
    for module in (drug_table_module, feature_table):
        monkeypatch.setattr(module, "has_rdkit", lambda: False)


@pytest.mark.parametrize("n_bits", [2048, 1024, 256, 8])
def test_stored_bits_are_those_rdkit_gives_at_that_length(stored, n_bits):
    folded = StoredFingerprints.read(stored).folded(n_bits)
    expected = molecular_features(list(folded.smiles), "fcfp4", n_bits=n_bits).of_all()
    np.testing.assert_array_equal(folded.values_RF, expected)
    assert folded.settings == FingerprintSettings(kind="fcfp4", n_bits=n_bits)


@pytest.mark.parametrize("n_bits", [4096, 1000, 100])
def test_a_length_that_is_no_divisor_cannot_be_given_without_rdkit(stored, n_bits):
    with pytest.raises(TrainValueError, match=r"only RDKit can give; --set drugs\.n_bits=2048"):
        StoredFingerprints.read(stored).folded(n_bits)


@pytest.mark.parametrize("is_given", [True, False], ids=["drugs.source", "of the pack"])
def test_a_drug_table_without_rdkit_is_the_one_with_it(stored, without_rdkit, is_given):
    config = DrugFeatures(source=str(stored) if is_given else "")
    found = drug_table(metadata(), config, stored=None if is_given else stored)
    names = ("aspirin", "broken", "caffeine", "mystery", "salt")
    assert found.names == names
    expected = molecular_features([SMILES[name] for name in names])
    np.testing.assert_array_equal(found.features_KF[expected.rows_N], expected.values_NF)
    assert not found.features_KF[[1, 3]].any()
    assert found.settings == expected.settings
    assert "2 drugs have no usable structure (broken, mystery)" in found.warnings[0]


def test_another_spelling_is_found_by_name(stored):
    known = StoredFingerprints.read(stored)
    found = known.find(("O=C(O)c1ccccc1OC(C)=O", "", "CCO"), ("aspirin", "caffeine", "ethanol"))
    assert [known.names[row] for row in found[:2]] == ["aspirin", "caffeine"]
    assert found[2] == -1


def test_a_table_is_matched_by_name_without_rdkit(tmp_path, without_rdkit):
    path = tmp_path / "table.csv"
    path.write_text("name,smiles,inchikey,a,b\nAspirin,x,y,1,2\ncaffeine,x2,y2,3,4\n")
    found = drug_table(metadata(), DrugFeatures(kind="table", source=str(path)))
    np.testing.assert_array_equal(found.features_KF[[0, 2]], [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "ecfp4"}, "holds fcfp4 and ecfp4 was asked for"),
        ({"source": "table.csv"}, "add --set drugs.kind=table"),
    ],
)
def test_a_file_of_something_else_is_refused(stored, changes, said):
    config = DrugFeatures(**{"source": str(stored), **changes})
    with pytest.raises(TrainValueError, match=said):
        drug_table(metadata(), config)


def test_without_rdkit_and_without_a_file_all_ways_out_are_named(tmp_path, without_rdkit):
    with pytest.raises(TrainValueError, match=r"install rdkit.*drugs\.source.*drugs\.mode=none"):
        drug_table(metadata(), DrugFeatures(), stored=tmp_path / "absent.safetensors")
    assert not drug_table(metadata(), DrugFeatures(mode="none")).features_KF.any()


def test_the_same_drugs_give_the_same_bytes(stored, tmp_path):
    shuffled = metadata().sample(frac=1, random_state=1)
    StoredFingerprints.of_metadata(shuffled).write(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == stored.read_bytes()


def write_header(path, header, shape):
    save_file({"packed_bits": np.zeros(shape, np.uint8)}, path, metadata=header)


@pytest.mark.parametrize(
    ("header", "shape"),
    [
        ({}, (1, 256)),
        ({"napari_tide": "{}"}, (1, 256)),
        ({"names": ["a"], "smiles": ["C"]}, (1, 3)),
        ({"names": ["a"], "smiles": ["C", "CC"]}, (1, 256)),
    ],
)
def test_a_damaged_file_is_named(tmp_path, header, shape):
    path = tmp_path / "bad.safetensors"
    if "names" in header:
        header = {"napari_tide": json.dumps({"settings": {"n_bits": 2048}, **header})}
    write_header(path, header, shape)
    with pytest.raises(FeatureTableFormatError, match=r"bad\.safetensors holds no fingerprints"):
        StoredFingerprints.read(path)


def test_a_missing_or_torn_file_is_named(tmp_path, stored):
    with pytest.raises(FeatureTableMissingError, match="tide drug-features"):
        StoredFingerprints.read(tmp_path / "absent.safetensors")
    stored.write_bytes(stored.read_bytes()[:100])
    with pytest.raises(FeatureTableFormatError, match="holds no fingerprints"):
        StoredFingerprints.read(stored)
