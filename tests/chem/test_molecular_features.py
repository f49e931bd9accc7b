import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter

from napari_tide.chem.feature_settings import FeatureSettings
from napari_tide.chem.fingerprints import circular_fingerprint, jaccard_similarities
from napari_tide.chem.molecular_features import features_like, molecular_features
from napari_tide.errors import MoleculeValueError

SMILES = [
    "CCO",
    "CC(=O)Oc1ccccc1C(=O)O",
    "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "C1CC",
    "CN1CCCC1c1cccnc1",
]
BAD = 4


@pytest.fixture
def source_of(chemberta, tmp_path):
    def source(kind):
        table = pd.DataFrame({"smiles": SMILES, "gin_0": range(6), "gin_1": np.arange(6) / 7})
        table.drop(index=BAD).to_csv(tmp_path / "gin.csv", index=False)
        return {"chemberta": chemberta, "table": tmp_path / "gin.csv"}.get(kind)

    return source


KINDS = ["fcfp4", "ecfp4", "descriptors", "chemberta", "table"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_a_finite_row_per_readable_drug_and_lists_the_others(kind, source_of):
    found = molecular_features(SMILES, kind, source=source_of(kind))
    assert found.kind == kind
    assert found.rows_N.tolist() == [0, 1, 2, 3, 5]
    assert [(drug.row, drug.given) for drug in found.rejected] == [(BAD, "C1CC")]
    assert found.values_NF.shape == (5, found.settings.n_features) == (5, len(found.names))
    assert np.isfinite(found.values_NF).all()
    assert len(np.unique(found.values_NF, axis=0)) == 5
    with pytest.raises(MoleculeValueError, match=r"'C1CC': .* correct these drugs or leave them"):
        found.of_all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_drug_alone_gets_the_row_it_had_among_others_by_settings_from_a_file(kind, source_of):
    first = molecular_features(SMILES, kind, source=source_of(kind))
    adapter = TypeAdapter(FeatureSettings)
    settings = adapter.validate_json(adapter.dump_json(first.settings))
    assert settings == first.settings
    for row, position in enumerate(first.rows_N):
        again = features_like([SMILES[position]], settings, source=source_of(kind))
        np.testing.assert_allclose(again.of_all()[0], first.values_NF[row], atol=1e-5)


@pytest.mark.parametrize("kind", ["fcfp4", "ecfp4"])
def test_the_batch_form_gives_the_bits_of_one_molecule_at_a_time(kind):
    found = molecular_features(SMILES, kind, n_bits=1024, form="as_given")
    for row, position in enumerate(found.rows_N):
        expected = circular_fingerprint(SMILES[position], kind, n_bits=1024)
        np.testing.assert_array_equal(found.values_NF[row], expected)
    assert found.values_NF.dtype == np.uint8


@pytest.mark.parametrize("kind", ["ecfp4", "fcfp4"])
def test_the_batch_form_equals_the_reference(oracles, kind):
    stored = np.load(oracles / "eval" / "fp.npz")
    found = molecular_features(stored["smiles"].tolist(), kind, n_bits=1024, form="as_given")
    np.testing.assert_array_equal(found.of_all(), stored[f"{kind}_1024"])


@pytest.mark.parametrize("kind", ["fcfp4", "descriptors", "chemberta"])
def test_a_salt_is_described_as_its_parent_unless_asked_otherwise(kind, source_of):
    acid, salt = "CC(=O)Oc1ccccc1C(=O)O", "[Na+].CC(=O)Oc1ccccc1C(=O)[O-]"
    same = molecular_features([*SMILES[:3], acid, salt], kind, source=source_of(kind)).of_all()
    np.testing.assert_allclose(same[3], same[4], atol=1e-6)
    other = molecular_features([acid, salt], kind, source=source_of(kind), form="as_given").of_all()
    assert not np.allclose(other[0], other[1])


def test_descriptors_of_a_new_drug_are_scaled_by_the_training_drugs():
    first = molecular_features(SMILES, "descriptors")
    weight = first.names.index("MolWt")
    new = features_like(["CCCO"], first.settings).of_all()[0, weight]
    expected = (60.096 - first.settings.centres[weight]) / first.settings.scales[weight]
    assert new == pytest.approx(expected, abs=1e-4)


def test_a_table_names_drugs_it_lacks_and_rows_that_are_not_whole(tmp_path):
    table = pd.DataFrame({"name": ["a", "b", "c"], "x": [1, np.nan, 1e300], "y": [1.0, 2, 3]})
    table.to_parquet(tmp_path / "gin.parquet")
    names = ["c", "a", "d", "b"]
    found = molecular_features([""] * 4, "table", source=tmp_path / "gin.parquet", names=names)
    np.testing.assert_array_equal(found.values_NF, [[1, 1]])
    assert [(drug.given, drug.reason) for drug in found.rejected] == [
        ("c", "gin.parquet has missing or infinite values in its row"),
        ("d", "gin.parquet has no such drug"),
        ("b", "gin.parquet has missing or infinite values in its row"),
    ]
    with pytest.raises(MoleculeValueError, match="3 names for 4 SMILES"):
        molecular_features([""] * 4, "table", source=tmp_path / "gin.parquet", names=names[:3])


def test_what_a_kind_needs_is_asked_for(make_chemberta, chemberta):
    with pytest.raises(MoleculeValueError, match="need a transformer over SMILES; give its folder"):
        molecular_features(SMILES, "chemberta")
    with pytest.raises(MoleculeValueError, match="need a table; give a CSV or Parquet file"):
        molecular_features(SMILES, "table")
    settings = molecular_features(SMILES, "chemberta", source=chemberta).settings
    with pytest.raises(MoleculeValueError, match="made with the transformer chemberta-0; give its"):
        features_like(SMILES, settings)
    with pytest.raises(MoleculeValueError, match="chemberta-7 holds other weights than chemberta-"):
        features_like(SMILES, settings, source=make_chemberta(7))


def test_what_does_not_exist_is_refused_with_what_does():
    with pytest.raises(MoleculeValueError, match=r"no features 'maccs' .* Available: \['fcfp4'"):
        molecular_features(SMILES, "maccs")
    with pytest.raises(MoleculeValueError, match=r"of 'salt'. Available: .*'as_given'"):
        molecular_features(SMILES, form="salt")
    for n_bits in (0, 7, 2**17):
        with pytest.raises(MoleculeValueError, match=f"of {n_bits} bits is impossible; give 8 to"):
            molecular_features(SMILES, n_bits=n_bits)
    with pytest.raises(MoleculeValueError, match="cannot be scaled without a molecule"):
        molecular_features(["C1CC"], "descriptors")


def test_jaccard_is_the_share_of_common_bits():
    rng = np.random.default_rng(4)
    first, second = (rng.random((n, 40)) < 0.3 for n in (5, 7))
    first[0] = second[0] = False
    found = jaccard_similarities(first, second)
    for i in range(5):
        for j in range(7):
            union = (first[i] | second[j]).sum()
            expected = (first[i] & second[j]).sum() / union if union else 1.0
            assert found[i, j] == pytest.approx(expected)


def test_a_trainer_without_rdkit_or_transformers_can_read_settings_and_tables():
    code = (
        "import sys, napari_tide.students.bundle, napari_tide.chem.molecular_features\n"
        "print([name for name in ('rdkit', 'transformers') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
