import copairs.map
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import ProfileFormatError, ProfileMissingError, ProfileValueError
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.anndata_export import write_anndata
from napari_tide.profiles.foreign_tables import standard_metadata
from napari_tide.profiles.profiles import Profiles, concatenate, embedding_names
from napari_tide.profiles.store import (
    ProfileFile,
    ProfileWriter,
    read_profiles,
    write_profiles,
)


def tiles(n_wells=4, n_sites=2, n_tiles=3, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    rows = [
        (f"A{well + 1:02d}", site, tile)
        for well in range(n_wells)
        for site in range(n_sites)
        for tile in range(n_tiles)
    ]
    wells, sites, columns = zip(*rows, strict=True)
    metadata = standard_metadata(
        {
            "Metadata_Plate": "P1",
            "Metadata_Well": wells,
            "Metadata_Site": sites,
            "Metadata_Tile_Row": 0,
            "Metadata_Tile_Col": columns,
            "Metadata_Compound": ["DMSO" if well == "A01" else "taxol" for well in wells],
            "Metadata_Control": ["negcon" if well == "A01" else "" for well in wells],
        },
        len(rows),
    )
    features = rng.normal(size=(len(rows), n_features)).astype(np.float32)
    return Profiles(metadata, features, embedding_names(n_features), "tile", "student-1")


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 6))
def test_a_written_table_reads_back_the_same(tmp_path_factory, n_wells, n_tiles, n_features):
    path = tmp_path_factory.mktemp("store") / "p.parquet"
    profiles = tiles(n_wells, 1, n_tiles, n_features)
    write_profiles(profiles, path)
    again = read_profiles(path)
    np.testing.assert_array_equal(again.features, profiles.features)
    pd.testing.assert_frame_equal(again.metadata, profiles.metadata, check_dtype=False)
    assert (again.level, again.student) == ("tile", "student-1")
    assert again.feature_names == profiles.feature_names


def test_parts_are_read_in_order_and_never_more_than_asked_for(tmp_path):
    write_profiles(tiles(), tmp_path / "p.parquet")
    parts = list(ProfileFile.open(tmp_path / "p.parquet").iterate(rows=7))
    assert [len(part) for part in parts] == [7, 7, 7, 3]
    np.testing.assert_array_equal(concatenate(parts).features, tiles().features)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "p.parquet"
    write_profiles(tiles(seed=1), path)

    def fail_half_way():
        with ProfileWriter(path) as writer:
            writer.write(tiles(seed=2))
            message = "power cut"
            raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="power cut"):
        fail_half_way()
    np.testing.assert_array_equal(read_profiles(path).features, tiles(seed=1).features)
    assert [file.name for file in tmp_path.iterdir()] == ["p.parquet"]


@pytest.mark.parametrize("level", ["site", "well", "treatment"])
def test_levels_are_means_over_their_tiles(level):
    profiles = tiles()
    found = aggregate_to_level(profiles, level)
    keys = {
        "site": ["Metadata_Well", "Metadata_Site"],
        "well": ["Metadata_Well"],
        "treatment": ["Metadata_Compound"],
    }[level]
    assert found.level == level
    assert len(found) == {"site": 8, "well": 4, "treatment": 2}[level]
    for i in range(len(found)):
        same = (profiles.metadata[keys] == found.metadata[keys].iloc[i]).all(axis=1).to_numpy()
        np.testing.assert_allclose(
            found.features[i], profiles.features[same].mean(axis=0), rtol=1e-5
        )
        assert found.metadata["Metadata_Count"].iloc[i] == same.sum()


def test_metadata_that_differs_within_a_group_is_not_made_up():
    found = aggregate_to_level(tiles(), "treatment")
    assert "Metadata_Tile_Col" not in found.metadata.columns
    wells = dict(
        zip(found.metadata["Metadata_Compound"], found.metadata["Metadata_Well"], strict=True)
    )
    assert wells["DMSO"] == "A01"
    assert wells["taxol"] is None


def test_levels_only_become_coarser():
    with pytest.raises(ProfileValueError, match="well profiles cannot become site"):
        aggregate_to_level(aggregate_to_level(tiles(), "well"), "site")
    with pytest.raises(ProfileValueError, match="not 'plate'"):
        aggregate_to_level(tiles(), "plate")


def test_missing_values_are_left_out_of_the_mean():
    profiles = tiles(1, 1, 3, 2)
    profiles.features[0, 0] = np.nan
    found = aggregate_to_level(profiles, "well").features[0, 0]
    assert found == pytest.approx(profiles.features[1:, 0].mean(), rel=1e-6)


def test_copairs_scores_a_written_table_as_it_is(tmp_path):
    profiles = tiles(6, 1, 4, 8)
    write_profiles(profiles, tmp_path / "p.parquet")
    table = pd.read_parquet(tmp_path / "p.parquet")
    names = [name for name in table.columns if not name.startswith("Metadata_")]
    result = copairs.map.average_precision(
        table.filter(like="Metadata_"),
        table[names].to_numpy(),
        pos_sameby=["Metadata_Well"],
        pos_diffby=[],
        neg_sameby=[],
        neg_diffby=["Metadata_Well"],
    )
    assert result["average_precision"].between(0, 1).all()
    assert names == list(profiles.feature_names)


def test_pycytominer_normalises_a_written_table_as_it_is(tmp_path):
    from pycytominer import normalize

    write_profiles(tiles(), tmp_path / "p.parquet")
    found = normalize(
        str(tmp_path / "p.parquet"),
        features=list(tiles().feature_names),
        samples="Metadata_Control == 'negcon'",
        method="standardize",
    )
    controls = found[found["Metadata_Control"] == "negcon"]
    assert controls["tide_0000"].mean() == pytest.approx(0, abs=1e-5)


def test_anndata_opens_the_export_as_it_is(tmp_path):
    import anndata

    profiles = tiles()
    write_anndata(profiles, tmp_path / "p.h5ad")
    found = anndata.read_h5ad(tmp_path / "p.h5ad")
    np.testing.assert_array_equal(found.X, profiles.features)
    assert list(found.obs["Metadata_Well"]) == list(profiles.metadata["Metadata_Well"])
    assert found.uns["student"] == "student-1"


def test_cellprofiler_tables_come_in_as_profiles(tmp_path):
    pd.DataFrame(
        {
            "Metadata_Plate": ["A", "A"],
            "Metadata_Well": ["A01", "A02"],
            "Metadata_pert_iname": ["DMSO", "taxol"],
            "Metadata_control_type": ["negcon", None],
            "Metadata_mmoles_per_liter": [np.nan, 3.33],  # of the stock; the well has 3.33 uM
            "ImageNumber": [1, 2],
            "Cells_AreaShape_Area": [1.5, np.nan],
        }
    ).to_csv(tmp_path / "cp.csv.gz", index=False)
    profiles = read_profiles(tmp_path / "cp.csv.gz")
    assert profiles.feature_names == ("Cells_AreaShape_Area",)
    assert profiles.is_control.tolist() == [True, False]
    assert profiles.metadata["Metadata_Compound"].tolist() == ["DMSO", "taxol"]
    assert profiles.metadata["Metadata_Dose_uM"].tolist()[1] == 3.33
    assert profiles.level == "well"


def test_what_is_no_profile_table_is_refused(tmp_path):
    with pytest.raises(ProfileMissingError, match="is not there"):
        read_profiles(tmp_path / "no.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(ProfileFormatError, match="cannot be read as Parquet"):
        read_profiles(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1.0]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ProfileFormatError, match="no Metadata_ columns"):
        read_profiles(tmp_path / "a.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ProfileFormatError, match="cannot be read as a table"):
        read_profiles(tmp_path / "empty.csv")
    pd.DataFrame({"Metadata_Well": ["A01"]}).to_parquet(tmp_path / "bare.parquet")
    with pytest.raises(ProfileFormatError, match="no feature columns"):
        read_profiles(tmp_path / "bare.parquet")


def test_a_newer_table_asks_for_an_update(tmp_path):
    write_profiles(tiles(), tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    newer = {b"napari_tide_profiles": b'{"format_version": 9, "level": "tile", "student": "x"}'}
    pq.write_table(table.replace_schema_metadata(newer), tmp_path / "p.parquet")
    with pytest.raises(ProfileFormatError, match="format_version 9, this napari-tide reads 1"):
        read_profiles(tmp_path / "p.parquet")


def test_tables_that_differ_are_not_put_together():
    with pytest.raises(ProfileValueError, match="cannot be put together"):
        concatenate([tiles(), tiles(n_features=3)])
