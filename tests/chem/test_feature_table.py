from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

from napari_tide.chem.feature_table import FeatureTable
from napari_tide.errors import FeatureTableFormatError, FeatureTableMissingError

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
ASPIRIN_OTHERWISE = "O=C(O)c1ccccc1OC(C)=O"
ASPIRIN_SALT = "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]"
ASPIRIN_KEY = "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
CAFFEINE = "Cn1cnc2c1c(=O)n(C)c(=O)n2C"


@pytest.fixture
def write(tmp_path):
    def make(name="gin.csv", **columns):
        table = pd.DataFrame({**columns, "gin_0": [0.5, -1.5], "gin_1": [2, 3]})
        path = tmp_path / name
        if name.endswith(".parquet"):
            table.to_parquet(path)
        else:
            table.to_csv(path, index=False, sep="\t" if ".tsv" in name else ",")
        return path

    return make


@pytest.mark.parametrize("name", ["gin.csv", "gin.csv.gz", "gin.tsv", "gin.parquet"])
def test_tables_of_every_format_read_the_same(write, name):
    table = FeatureTable.read(write(name, compound=["aspirin", "caffeine"]))
    assert table.columns == ("gin_0", "gin_1")
    np.testing.assert_array_equal(table.values_RF, [[0.5, 2], [-1.5, 3]])
    assert table.values_RF.dtype == np.float32


def test_a_table_is_read_where_frames_are_copied_on_write(tmp_path):
    path = tmp_path / "one_block.parquet"  # all of one type: the array is the frame's own memory
    pd.DataFrame({"compound": ["aspirin", "caffeine"], "gin_0": [0.5, 2.5]}).to_parquet(path)
    is_always_so = int(pd.__version__.split(".")[0]) >= 3  # before, pycytominer turns it on
    chosen = () if is_always_so else ("mode.copy_on_write", True)
    with pd.option_context(*chosen) if chosen else nullcontext():
        assert FeatureTable.read(path).values_RF.shape == (2, 1)


@pytest.mark.parametrize("asked", [ASPIRIN, ASPIRIN_OTHERWISE, ASPIRIN_SALT])
@pytest.mark.parametrize(
    "keys",
    [
        {"SMILES": [CAFFEINE, ASPIRIN]},
        {"Metadata_SMILES": [CAFFEINE, ASPIRIN_SALT]},
        {"InChIKey": ["RYYVLZVUVIJVGH-UHFFFAOYSA-N", ASPIRIN_KEY]},
    ],
    ids=["smiles", "salt", "inchikey"],
)
def test_a_drug_is_found_however_its_structure_is_written(write, keys, asked):
    table = FeatureTable.read(write(**keys))
    assert table.rows_of([asked, "CCO", CAFFEINE]).tolist() == [1, -1, 0]


def test_a_drug_is_found_by_name_as_written_before_case_is_ignored(write):
    table = FeatureTable.read(write(drug_name=["Aztreonam", "aztreonam"]))
    found = table.rows_of(["", "", "", ""], ["aztreonam", "Aztreonam", "other", ""])
    assert found.tolist() == [1, 0, -1, -1]
    with pytest.raises(FeatureTableFormatError, match="2 rows for 'Aztreonam' that differ"):
        table.rows_of([""], ["AZTREONAM"])


def test_a_drug_twice_with_the_same_features_is_one(tmp_path):
    pd.DataFrame({"name": ["a", "a"], "x": [1.0, 1.0]}).to_csv(tmp_path / "t.csv", index=False)
    assert FeatureTable.read(tmp_path / "t.csv").rows_of([""], ["a"]).tolist() == [0]


def test_row_numbers_that_pandas_writes_are_no_feature(tmp_path):
    pd.DataFrame({"name": ["a", "b"], "x": [1.0, 2.0]}).to_csv(tmp_path / "t.csv")
    assert FeatureTable.read(tmp_path / "t.csv").columns == ("x",)


def test_columns_come_in_the_order_asked_for_or_are_missed_by_name(write):
    table = FeatureTable.read(write(name_=None, compound=["a", "b"]))
    np.testing.assert_array_equal(
        table.columns_named(["gin_1", "gin_0"]).values_RF, [[2, 0.5], [3, -1.5]]
    )
    with pytest.raises(FeatureTableFormatError, match=r"lacks 1 of 2 columns .* 'gin_7'"):
        table.columns_named(["gin_0", "gin_7"])


def test_what_is_no_table_of_features_is_refused(tmp_path, write):
    with pytest.raises(FeatureTableMissingError, match="is not there"):
        FeatureTable.read(tmp_path / "no.csv")
    with pytest.raises(FeatureTableFormatError, match="no column that names drugs"):
        FeatureTable.read(write(who=["a", "b"]))
    (tmp_path / "bare.csv").write_text("name\na\n")
    with pytest.raises(FeatureTableFormatError, match="1 rows and 0 columns of numbers"):
        FeatureTable.read(tmp_path / "bare.csv")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(FeatureTableFormatError, match="cannot be read as a table"):
        FeatureTable.read(tmp_path / "text.parquet")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(FeatureTableFormatError, match="cannot be read as a table"):
        FeatureTable.read(tmp_path / "empty.csv")
    (tmp_path / "latin.csv").write_bytes(b"name,x\n\xe9\xff,1\n")
    with pytest.raises(FeatureTableFormatError, match="cannot be read as a table"):
        FeatureTable.read(tmp_path / "latin.csv")
