import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import (
    PackFormatError,
    PackMissingError,
    ProfileFormatError,
    ProfileMissingError,
    ProfileValueError,
    TrainValueError,
)
from napari_tide.profiles.profiles import METADATA_COLUMNS, Profiles
from napari_tide.profiles.store import write_profiles
from napari_tide.screens.open_screen import open_screen
from tide_train.data.training_data import TrainingTable, open_training_data
from tide_train.data.write_pack import PackSettings, write_pack


def profiles(n_rows=6):
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": ["P1"] * n_rows,
            "Metadata_Well": [f"A{i + 1:02d}" for i in range(n_rows)],
            "Metadata_Compound": ["taxol", None] * (n_rows // 2),
            "Metadata_Dose_uM": ["0.1", None] * (n_rows // 2),
        }
    )
    values = np.random.default_rng(0).normal(size=(n_rows, 3))
    return Profiles(metadata, values, ("Cells_Area", "Nuclei_Area", "Cells_Texture"))


def test_a_table_is_opened_with_all_standard_columns(tmp_path):
    write_profiles(profiles(), tmp_path / "p.parquet")
    table = open_training_data(tmp_path / "p.parquet")
    assert isinstance(table, TrainingTable)
    assert table.channels == table.feature_names == ("Cells_Area", "Nuclei_Area", "Cells_Texture")
    assert set(METADATA_COLUMNS) <= set(table.metadata.columns)
    assert table.metadata["Metadata_Compound"].tolist() == ["taxol", ""] * 3
    np.testing.assert_array_equal(table.metadata["Metadata_Dose_uM"], [0.1, np.nan] * 3)
    assert (table.metadata["Metadata_Cell_Line"] == "").all()
    rows = np.array([4, 4, 0])
    np.testing.assert_allclose(table.read(rows), profiles().features[rows], rtol=1e-6)
    assert len(table) == 6
    assert table.features.dtype == np.float32


def test_a_table_of_another_tool_is_cleaned_and_says_so(tmp_path):
    frame = pd.concat(
        [profiles().metadata, pd.DataFrame(profiles().features, columns=["a", "b", "c"])], axis=1
    )
    frame["constant"] = 1.0
    frame["empty"] = np.nan
    frame.to_csv(tmp_path / "cells.csv", index=False)
    table = open_training_data(tmp_path / "cells.csv")
    assert table.feature_names == ("a", "b", "c")
    assert table.notes == (
        "1 features dropped: more than 5 % missing or infinite",
        "1 features dropped: constant",
    )
    frame[["a", "b", "c"]] = 0.0
    frame.to_csv(tmp_path / "cells.csv", index=False)
    with pytest.raises(ProfileValueError, match="none of 5 features can be used"):
        open_training_data(tmp_path / "cells.csv")


def test_the_hash_of_a_table_follows_values_names_and_metadata():
    base = profiles()
    other_values = base.with_features(base.features * 1.001)
    other_names = base.with_features(base.features, ("x", "y", "z"))
    metadata = base.metadata.assign(Metadata_Well="B01")
    other_metadata = Profiles(metadata, base.features, base.feature_names)
    tables = [base, other_values, other_names, other_metadata]
    hashes = [TrainingTable.from_profiles(table).data_hash for table in tables]
    assert len(set(hashes)) == 4
    assert TrainingTable.from_profiles(profiles()).data_hash == hashes[0]


def test_a_pack_is_opened_and_an_unfinished_one_told(plate_folder, tmp_path):
    screen = open_screen(plate_folder / "screen.parquet")
    settings = PackSettings(tile_size_px=64, image_px=16)
    shown = []
    write_pack(
        screen, tmp_path / "pack", settings=settings,
        progress=lambda n, _: shown.append(n), is_cancelled=lambda: len(shown) > 2,
    )  # fmt: skip
    with pytest.raises(PackFormatError, match="is not finished"):
        open_training_data(tmp_path / "pack")
    write_pack(screen, tmp_path / "pack", settings=settings)
    assert len(open_training_data(tmp_path / "pack")) == 27


@pytest.mark.parametrize("name", ["screen.parquet", "screen.csv", "load_data.csv", "", "x.HTD"])
def test_a_screen_must_be_packed_first(plate_folder, tmp_path, name):
    source = plate_folder / name
    if name == "load_data.csv":
        source.write_text("Metadata_Plate,Metadata_Well,FileName_OrigDNA\nP1,A01,a.tif\n")
    elif name == "screen.csv":
        pd.read_parquet(plate_folder / "screen.parquet").to_csv(source, index=False)
    elif name == "x.HTD":
        source.write_text("HTSInfoFile")
    with pytest.raises(
        TrainValueError, match=r"if it is a screen, pack it first: tide pack .* --o"
    ):
        open_training_data(source)


def test_what_is_not_there_or_no_table_is_told(tmp_path):
    with pytest.raises(PackMissingError, match="is no pack; make one with"):
        open_training_data(tmp_path / "nothing")
    with pytest.raises(ProfileMissingError, match="is not there"):
        open_training_data(tmp_path / "nothing.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ProfileFormatError, match="cannot be read as Parquet"):
        open_training_data(tmp_path / "bad.parquet")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ProfileFormatError, match="has no Metadata_ columns"):
        open_training_data(tmp_path / "bad.csv")
