import numpy as np
import pandas as pd
import pytest

from napari_tide.chem.molecular_features import molecular_features
from napari_tide.errors import TrainValueError
from tide_train.data.drug_table import DrugFeatures, drug_table

SMILES = {"ethanol": "CCO", "benzene": "c1ccccc1", "mystery": ""}


def metadata(counts=None):
    rows = [
        (name, SMILES.get(name, ""), "")
        for name, n in (counts or {"ethanol": 2, "benzene": 3, "mystery": 2}).items()
        for _ in range(n)
    ]
    rows += [("DMSO", "CS(C)=O", "negcon")] * 3
    names = ["Metadata_Compound", "Metadata_SMILES", "Metadata_Control"]
    return pd.DataFrame(rows, columns=names)


def test_drugs_come_in_order_with_their_own_features_and_controls_are_none():
    drugs = drug_table(metadata(), DrugFeatures(n_bits=128))
    assert drugs.names == ("benzene", "ethanol", "mystery")
    expected = molecular_features(["c1ccccc1", "CCO"], n_bits=128).of_all()
    np.testing.assert_array_equal(drugs.features_KF[:2], expected)
    assert not drugs.features_KF[2].any()
    assert drugs.labels(metadata()).tolist() == [1, 1, 0, 0, 0, 2, 2, -1, -1, -1]
    assert "1 drugs have no usable structure (mystery)" in drugs.warnings[0]


def test_exchanged_structures_are_the_same_ones_and_have_no_settings():
    plain = drug_table(metadata(), DrugFeatures(n_bits=128))
    exchanged = drug_table(metadata(), DrugFeatures(n_bits=128, permuted="features"), seed=3)
    assert sorted(map(tuple, plain.features_KF)) == sorted(map(tuple, exchanged.features_KF))
    assert exchanged.settings is None
    assert plain.settings is not None


def test_a_compound_with_one_image_is_named_with_the_way_out():
    with pytest.raises(
        TrainValueError, match=r"1 compounds have a single image \(benzene\).*drops_singles"
    ):
        drug_table(
            metadata({"ethanol": 2, "benzene": 1}), DrugFeatures(), singles={"benzene", "water"}
        )


def test_controls_alone_cannot_be_learned():
    with pytest.raises(TrainValueError, match="no image names a compound"):
        drug_table(metadata({"ethanol": 0}), DrugFeatures())
