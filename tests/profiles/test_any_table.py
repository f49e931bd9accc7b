"""Whatever stands in a table's metadata, it comes through store, aggregate, align and export."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.aggregate import aggregate_by, aggregate_to_level
from napari_tide.profiles.align.align_table import align_profiles, align_table
from napari_tide.profiles.anndata_export import write_anndata
from napari_tide.profiles.clean import clean_features
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import ProfileFile, ProfileWriter, read_profiles, write_profiles

SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.text(max_size=8) | st.sampled_from(["", "10 µM", "β-estradiol", "a|b", "nan", "\x00"])
WORDS = st.sampled_from(["P1", "P2", "板", "1", "nan", ""])
ODD = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.just(np.nan),
    st.just(pd.NA),
    st.just(pd.NaT),
)


def column(elements, n):
    return st.lists(elements, min_size=n, max_size=n)


@st.composite
def tables(draw, *, has_finite_features=False, min_rows=1):
    n = draw(st.integers(min_rows, 9))
    metadata = {
        "Metadata_Plate": draw(column(WORDS | st.none(), n)),
        "Metadata_Well": draw(column(st.sampled_from(["A01", "B02"]) | st.none(), n)),
        "Metadata_Site": draw(column(st.integers(1, 2), n)),
        "Metadata_Compound": draw(column(TEXTS | st.none(), n)),
        "Metadata_Dose_uM": draw(column(st.floats() | st.none(), n)),
        "Metadata_Control": draw(column(st.sampled_from(["negcon", "", None, "poscon"]), n)),
        "Metadata_Odd": draw(column(ODD, n)),
    }
    frame = pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in metadata.items()})
    for name in ("Metadata_Site", "Metadata_Dose_uM"):
        frame[name] = pd.to_numeric(frame[name])
    if draw(st.booleans()):
        frame.index = pd.Index(draw(column(st.integers(0, 3), n)))  # rows of a filtered table
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    limit = 1e4 if has_finite_features else None
    elements = st.floats(
        -limit if limit else None,
        limit,
        width=32 if dtype == np.float32 else 64,
        allow_nan=not has_finite_features,
        allow_infinity=not has_finite_features,
    )
    shape = (n, draw(st.integers(1, 3)))
    features = draw(hnp.arrays(dtype, shape, elements=elements))
    names = tuple(f"特_{i}" for i in range(shape[1]))
    return Profiles(frame, features, names, draw(st.sampled_from(["tile", "site"])), "s-1")


def same_text(first, second):
    """Metadata say the same: as text, missing ones empty, or as numbers (1 is 1.0)."""
    assert list(first.metadata.columns) == list(second.metadata.columns)
    for name in first.metadata.columns:
        pairs = zip(first.column(name), second.column(name), strict=True)
        assert all(one == other or as_number(one) == as_number(other) for one, other in pairs), name


def as_number(text):
    try:
        return float(text)
    except ValueError:
        return text


@SETTINGS
@given(tables())
def test_any_table_reads_back_the_same(tmp_path_factory, profiles):
    path = tmp_path_factory.mktemp("any") / "p.parquet"
    write_profiles(profiles, path)
    again = read_profiles(path)
    np.testing.assert_array_equal(again.features, profiles.features)
    assert again.features.dtype == profiles.features.dtype
    same_text(again, profiles)
    assert (again.level, again.student, again.feature_names) == (
        profiles.level,
        profiles.student,
        profiles.feature_names,
    )
    assert again.is_control.tolist() == profiles.is_control.tolist()


@SETTINGS
@given(tables(), st.sampled_from(["mean", "median"]))
def test_groups_are_the_slow_loop_over_rows(profiles, how):
    keys = ["Metadata_Plate", "Metadata_Well"]
    groups = {}
    for row in range(len(profiles)):
        key = tuple(
            None if pd.isna(value) else value for value in profiles.metadata[keys].iloc[row]
        )
        groups.setdefault(key, []).append(row)
    found = aggregate_by(profiles, keys, how=how)
    assert found.metadata["Metadata_Count"].tolist() == [len(rows) for rows in groups.values()]
    assert len(found.metadata.index) == len(groups)
    for i, rows in enumerate(groups.values()):
        for j in range(profiles.features.shape[1]):
            values = profiles.features[rows, j].astype(np.float64)
            values = values[np.isfinite(values)]
            with np.errstate(over="ignore"):
                expected = getattr(np, how)(values) if len(values) else np.nan
                expected = np.asarray(expected).astype(profiles.features.dtype)
            np.testing.assert_allclose(found.features[i, j], expected, rtol=1e-5, atol=1e-30)


@SETTINGS
@given(tables(), st.sampled_from(["site", "well", "treatment"]))
def test_what_an_aggregate_says_of_a_group_is_true_of_all_its_rows(
    tmp_path_factory, profiles, level
):
    found = aggregate_to_level(profiles, level)
    assert found.level == level
    for name in found.metadata.columns:
        if name != "Metadata_Count":
            said = set(found.column(name)) - {""}
            assert said <= set(profiles.column(name)), name
    path = tmp_path_factory.mktemp("any") / "p.parquet"
    write_profiles(found, path)
    same_text(read_profiles(path), found)


@SETTINGS
@given(tables(has_finite_features=True), st.sampled_from(["center-scale", "pca-cs", "tvn"]))
def test_alignment_keeps_rows_or_refuses_in_one_sentence(tmp_path_factory, profiles, method):
    folder = tmp_path_factory.mktemp("any")
    write_profiles(profiles, folder / "p.parquet")
    controls, batches = profiles.is_control, profiles.batches
    if controls.sum() < 2 or set(batches) != set(batches[controls]):
        for refused in (
            lambda: align_profiles(profiles, method),
            lambda: align_table(folder / "p.parquet", folder / "q.parquet", method=method),
        ):
            with pytest.raises(ProfileValueError, match="control"):
                refused()
        assert not (folder / "q.parquet").exists()
        return
    aligned = align_profiles(profiles, method)
    same_text(aligned, profiles)
    assert np.isfinite(aligned.features).all()
    align_table(folder / "p.parquet", folder / "q.parquet", method=method)
    written = read_profiles(folder / "q.parquet")
    same_text(written, profiles)
    scale = max(1.0, float(np.abs(aligned.features).max()))
    np.testing.assert_allclose(written.features, aligned.features, atol=1e-3 * scale)


@SETTINGS
@given(tables())
def test_anndata_gets_the_same_numbers_and_words(tmp_path_factory, profiles):
    path = tmp_path_factory.mktemp("any") / "p.h5ad"
    write_anndata(profiles, path)
    found = anndata.read_h5ad(path)
    np.testing.assert_array_equal(found.X, profiles.features)
    assert list(found.var_names) == list(profiles.feature_names)
    for name in profiles.metadata.columns:
        if not pd.api.types.is_numeric_dtype(profiles.metadata[name]):
            expected = [
                text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in profiles.column(name)
            ]
            assert [str(word) for word in found.obs[name]] == expected, name


def test_no_rows_come_through(tmp_path):
    metadata = pd.DataFrame({"Metadata_Plate": [], "Metadata_Well": []}, dtype=object)
    empty = Profiles(metadata, np.empty((0, 2), np.float32), ("a", "b"), "site", "")
    well = aggregate_to_level(empty, "well")
    assert (len(well), well.level) == (0, "well")
    assert len(aggregate_by(empty, ["Metadata_Plate"], how="median")) == 0
    write_anndata(empty, tmp_path / "p.h5ad")
    assert anndata.read_h5ad(tmp_path / "p.h5ad").shape == (0, 2)
    with pytest.raises(ProfileValueError, match="no negative controls"):
        align_profiles(empty, "tvn")


def test_a_column_that_is_blank_in_the_first_part_keeps_its_later_words(tmp_path):
    n = 9
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": ["P1"] * n,
            "Metadata_Control": ["negcon"] * n,
            "Metadata_Note": [None] * 6 + ["late", None, "β"],
            "Metadata_Big": pd.array([2**60 + 1] * 5 + [None] * 4, dtype="Int64"),
        }
    )
    values = np.random.default_rng(0).normal(size=(n, 2))
    profiles = Profiles(metadata, values, ("a", "b"), "well", "")
    write_profiles(profiles, tmp_path / "p.parquet")
    with ProfileWriter(tmp_path / "q.parquet") as writer:
        for part in ProfileFile.open(tmp_path / "p.parquet").iterate(rows=3):
            writer.write(part)
    again = read_profiles(tmp_path / "q.parquet")
    assert again.column("Metadata_Note").tolist() == [""] * 6 + ["late", "", "β"]
    assert again.column("Metadata_Big").tolist() == [str(2**60 + 1)] * 5 + [""] * 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["center-scale", "pca-cs", "tvn"])
def test_a_value_too_large_to_square_is_refused_and_cleaned_away(dtype, method):
    values = np.random.default_rng(0).normal(size=(40, 3)).astype(dtype)
    values[3, 1], values[30, 1] = np.finfo(dtype).max, -np.finfo(dtype).max
    metadata = pd.DataFrame({"Metadata_Plate": "P1", "Metadata_Control": ["negcon"] * 40})
    profiles = Profiles(metadata, values, ("a", "b", "c"), "well", "")
    with pytest.raises(ProfileValueError, match=r"1 features hold .* beyond 1e\+30 \(b\)"):
        align_profiles(profiles, method)
    cleaned, notes = clean_features(profiles)
    assert notes == ["2 values filled with their feature's median"]
    assert np.isfinite(align_profiles(cleaned, method).features).all()


def test_lists_of_targets_become_text_that_can_be_grouped(tmp_path):
    table = pd.DataFrame(
        {
            "Metadata_Plate": ["P1"] * 3,
            "Metadata_Well": ["A01", "A01", "A02"],
            "Metadata_Targets": [["MTOR", "PIK3CA"], ["MTOR", "PIK3CA"], None],
            "x": [1.0, 2.0, 3.0],
        }
    )
    table.to_parquet(tmp_path / "other.parquet")
    profiles = read_profiles(tmp_path / "other.parquet")
    assert profiles.column("Metadata_Targets").tolist() == ["MTOR|PIK3CA", "MTOR|PIK3CA", ""]
    wells = aggregate_by(profiles, ["Metadata_Well"])
    assert wells.column("Metadata_Targets").tolist() == ["MTOR|PIK3CA", ""]
    given = Profiles(table.drop(columns="x"), np.ones((3, 1)), ("x",), "well", "")
    write_profiles(given, tmp_path / "ours.parquet")
    same_text(read_profiles(tmp_path / "ours.parquet"), profiles)
