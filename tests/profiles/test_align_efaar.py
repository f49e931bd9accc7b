"""Alignment and aggregation against outputs of the EFAAR benchmarking code, and slow formulas."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.aggregate import aggregate_by
from napari_tide.profiles.align.align_table import align_profiles, align_table
from napari_tide.profiles.align.alignment import fit_alignment
from napari_tide.profiles.align.controls import Controls
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.store import read_profiles, write_profiles


def profiles_of(features, batches, is_control, **metadata):
    table = pd.DataFrame(
        {
            "Metadata_Plate": "P",
            "Metadata_Batch": [f"b{batch}" for batch in batches],
            "Metadata_Control": np.where(is_control, "negcon", ""),
        }
        | metadata
    )
    return Profiles(table, features, embedding_names(features.shape[1]), student="s")


@pytest.fixture
def efaar(oracles):
    return dict(np.load(oracles / "efaar" / "efaar.npz", allow_pickle=False))


@pytest.fixture
def raw(efaar):
    return profiles_of(efaar["X"], efaar["batch"], efaar["pert"] == "EMPTY_control")


def cosines(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


def test_centre_scale_is_exact(raw, efaar):
    found = align_profiles(raw, "center-scale")
    np.testing.assert_allclose(found.features, efaar["centerscale_batch"], atol=1e-8)


@pytest.mark.parametrize(
    ("method", "coral", "batched", "name"),
    [
        ("pca-cs", False, True, "pcacs"),
        ("pca-cs", False, False, "pcacs_global"),
        ("tvn", False, True, "tvn"),
        ("tvn", True, True, "tvn_batch"),
    ],
)
def test_rotations_agree_up_to_the_signs_of_axes(efaar, method, coral, batched, name):
    batches = efaar["batch"] if batched else np.zeros(len(efaar["X"]), int)
    raw = profiles_of(efaar["X"], batches, efaar["pert"] == "EMPTY_control")
    found = align_profiles(raw, method, per_batch_coral=coral)
    np.testing.assert_allclose(cosines(found.features), cosines(efaar[name]), atol=1e-8)


@pytest.mark.parametrize("how", ["mean", "median"])
def test_aggregates_are_exact(efaar, how):
    pert = pd.Series(efaar["pert"])
    rows = efaar["pcacs"]
    raw = profiles_of(rows, efaar["batch"], pert == "EMPTY_control", Metadata_Compound=pert)
    found = aggregate_by(raw, ["Metadata_Compound"], how=how)
    position = {name: i for i, name in enumerate(found.metadata["Metadata_Compound"])}
    in_order = found.features[[position[name] for name in efaar["agg_perts"]]]
    np.testing.assert_allclose(in_order, efaar[f"agg_{how}"], atol=1e-8)
    counts = found.metadata.set_index("Metadata_Compound")["Metadata_Count"]
    assert counts.to_dict() == pert.value_counts().to_dict()


def test_more_features_than_controls_is_scikit_learn_pca():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 40)) @ rng.normal(size=(40, 40))
    is_control = np.arange(60) < 20
    raw = profiles_of(features, np.zeros(60, int), is_control)
    expected = PCA().fit(features[is_control]).transform(features)
    expected = StandardScaler().fit(expected[is_control]).transform(expected)
    found = align_profiles(raw, "pca-cs").features
    # the last axis of 20 centred rows has no spread: its direction is arbitrary
    np.testing.assert_allclose(cosines(found[:, :19]), cosines(expected[:, :19]), atol=1e-8)


def test_a_constant_feature_stays_finite(efaar):
    features = efaar["X"].copy()
    features[:, 3] = 7.0
    raw = profiles_of(features, efaar["batch"], efaar["pert"] == "EMPTY_control")
    found = align_profiles(raw, "center-scale").features
    assert np.isfinite(found).all()
    assert (found[:, 3] == 0).all()


def test_single_precision_stays_close_to_double(raw):
    single = align_profiles(raw.with_features(raw.features.astype(np.float32) + 50), "pca-cs")
    double = align_profiles(raw, "pca-cs")
    assert single.features.dtype == np.float32
    np.testing.assert_allclose(cosines(single.features), cosines(double.features), atol=1e-3)


@pytest.mark.parametrize("method", ["center-scale", "pca-cs", "tvn"])
def test_rows_keep_their_order_however_batches_are_mixed(raw, method):
    order = np.random.default_rng(1).permutation(len(raw))
    straight = fit_alignment(Controls.gather([raw]), method)
    expected = straight.apply(raw).features[order]
    np.testing.assert_allclose(straight.apply(raw.take(order)).features, expected, atol=1e-9)


def test_a_table_on_disk_is_aligned_like_one_in_memory(raw, tmp_path):
    write_profiles(raw, tmp_path / "raw.parquet")
    seen = []
    align_table(
        tmp_path / "raw.parquet",
        tmp_path / "out.parquet",
        method="pca-cs",
        progress=lambda done, total: seen.append((done, total)),
    )
    found = read_profiles(tmp_path / "out.parquet")
    np.testing.assert_array_equal(found.features, align_profiles(raw, "pca-cs").features)
    pd.testing.assert_frame_equal(found.metadata, raw.metadata, check_dtype=False)
    assert found.student == "s"
    assert seen[-1] == (668, 668)


def test_what_cannot_be_aligned_is_refused_in_one_sentence(raw, tmp_path):
    none = profiles_of(raw.features, np.zeros(668, int), np.zeros(668, bool))
    with pytest.raises(ProfileValueError, match="no negative controls"):
        align_profiles(none, "tvn")
    lacking = profiles_of(raw.features, np.arange(668) < 300, np.arange(668) > 400)
    with pytest.raises(ProfileValueError, match="1 batches have no negative controls"):
        align_profiles(lacking, "tvn")
    broken = raw.features.copy()
    broken[5, 2] = np.inf
    with pytest.raises(ProfileValueError, match="1 features hold missing or infinite"):
        align_profiles(raw.with_features(broken), "pca-cs")
    with pytest.raises(ProfileValueError, match="no alignment 'zca'"):
        align_profiles(raw, "zca")
    write_profiles(raw, tmp_path / "p.parquet")
    with pytest.raises(ProfileValueError, match="overwrite its own source"):
        align_table(tmp_path / "p.parquet", tmp_path / "p.parquet", method="tvn")


def test_a_batch_is_the_plate_where_none_is_given(raw):
    metadata = raw.metadata.assign(Metadata_Plate=raw.metadata["Metadata_Batch"], Metadata_Batch="")
    by_plate = Profiles(metadata, raw.features, raw.feature_names)
    np.testing.assert_array_equal(
        align_profiles(by_plate, "center-scale").features,
        align_profiles(raw, "center-scale").features,
    )


@pytest.mark.parametrize("method", ["pca-cs", "tvn"])
def test_axes_along_which_controls_do_not_spread_are_left_out(method):
    random = np.random.default_rng(0)
    few = Controls(random.normal(size=(16, 40)), np.array(["b"] * 16, object))
    twice = random.normal(size=(50, 3))
    collinear = Controls(np.hstack([twice, twice]), np.array(["b"] * 50, object))
    for controls, n_axes in ((few, 15), (collinear, 3)):
        alignment = fit_alignment(controls, method)
        assert alignment.rotation.shape[1] == n_axes
        assert min(here.scale.min() for here in alignment.batches.values()) > 0.1


@pytest.mark.parametrize("method", ["pca-cs", "tvn"])
def test_fewer_controls_than_features_add_no_axis_of_rounding_errors(method):
    rng = np.random.default_rng(0)
    signal = np.repeat(rng.standard_normal((30, 100)), 2, axis=0)  # two replicates of each
    treated = signal + 0.5 * rng.standard_normal((60, 100))
    features = np.concatenate([rng.standard_normal((24, 100)), treated]).astype(np.float32)
    is_control = np.arange(84) < 24
    aligned = align_profiles(profiles_of(features, np.zeros(84, int), is_control), method)
    assert aligned.features.shape[1] == 23  # 24 points span 23 directions
    likeness = cosines(aligned.features[24:])
    np.fill_diagonal(likeness, -1)
    assert (likeness.argmax(axis=1) == np.arange(60) ^ 1).mean() > 0.9
