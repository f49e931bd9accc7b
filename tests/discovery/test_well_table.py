from dataclasses import replace

import numpy as np
import pytest

from napari_tide.discovery.well_table import join_tables, looks_aligned, well_table, wells_of
from napari_tide.errors import ProfileValueError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.profiles import Profiles


def test_every_plate_is_centred_on_its_own_controls(make_profiles, noise_treatments):
    table = well_table(make_profiles(noise_treatments()))
    assert table.unit == "plate"
    for plate in ("P0", "P1"):
        here = (table.wells["plate"] == plate).to_numpy()
        np.testing.assert_allclose(
            table.rows_ND[here & table.is_control].mean(axis=0), 0, atol=1e-6
        )


def test_plates_with_few_controls_are_centred_by_batch(make_profiles, noise_treatments):
    profiles = make_profiles(noise_treatments(), n_controls=5, batches=["B", "B"])
    table = well_table(profiles)
    assert table.unit == "batch"
    np.testing.assert_allclose(table.rows_ND[table.is_control].mean(axis=0), 0, atol=1e-6)


def test_without_enough_controls_the_mean_of_all_is_taken_and_said(make_profiles, noise_treatments):
    table = well_table(make_profiles(noise_treatments(), n_controls=3))
    assert table.unit == "none"
    assert "fewer than 8 negative controls" in table.warnings[0]


def test_useless_features_go_and_gaps_are_filled_and_said(make_profiles, noise_treatments):
    profiles = make_profiles(noise_treatments())
    features = profiles.features.copy()
    features[:, 3] = 7.0
    features[:, 5] = np.nan
    features[4, 7] = np.inf
    table = well_table(profiles.with_features(features))
    assert table.rows_ND.shape[1] == features.shape[1] - 2
    assert np.isfinite(table.rows_ND).all()
    assert [note.split(":")[0] for note in table.warnings] == [
        "1 features dropped",
        "1 features dropped",
        "1 values filled with their feature's median",
    ]


def test_finer_profiles_become_wells_and_keep_what_sites_were_flagged_for(
    make_profiles, noise_treatments
):
    wells = make_profiles(noise_treatments(2))
    twice = np.repeat(np.arange(len(wells)), 2)
    metadata = wells.metadata.iloc[twice].reset_index(drop=True)
    metadata["Metadata_Site"] = np.tile([1, 2], len(wells))
    metadata["Metadata_QC"] = np.where(metadata.index == 1, "out of focus", "")
    features = wells.features[twice]
    sites = Profiles(metadata, features, wells.feature_names, "site", wells.student)
    found = wells_of(sites)
    np.testing.assert_allclose(found.features, wells.features, rtol=1e-6)
    assert found.metadata["Metadata_QC"].tolist() == ["out of focus", *[""] * (len(wells) - 1)]


def test_treatment_profiles_have_no_replicates(make_profiles, noise_treatments):
    profiles = replace(make_profiles(noise_treatments()), level="treatment")
    with pytest.raises(ProfileValueError, match="no replicates left"):
        wells_of(profiles)


def test_tables_of_different_students_are_not_joined(make_profiles, noise_treatments):
    one = make_profiles(noise_treatments())
    with pytest.raises(ProfileValueError, match="different students"):
        join_tables([one, replace(one, student="other")])


def test_tables_of_different_size_are_not_joined(make_profiles, noise_treatments):
    small = make_profiles(noise_treatments(), n_features=8)
    with pytest.raises(ProfileValueError, match="cannot be put together"):
        join_tables([make_profiles(noise_treatments()), small])


def test_a_well_given_twice_is_refused(make_profiles, noise_treatments):
    one = make_profiles(noise_treatments())
    with pytest.raises(ProfileValueError, match="plate P0 well A01 is in the profiles twice"):
        join_tables([one, one])


def test_profiles_without_wells_are_refused(make_profiles, noise_treatments):
    one = make_profiles(noise_treatments())
    with pytest.raises(ProfileValueError, match="no column Metadata_Well"):
        wells_of(replace(one, metadata=one.metadata.drop(columns="Metadata_Well")))


@pytest.mark.parametrize("method", ["center-scale", "pca-cs", "tvn"])
def test_aligned_profiles_are_told_from_raw_ones(make_profiles, noise_treatments, method):
    raw = make_profiles(noise_treatments(), n_controls=30)
    assert not looks_aligned(raw)
    assert looks_aligned(align_profiles(raw, method))


def test_profiles_along_one_direction_are_warned_of(make_profiles, noise_treatments):
    profiles = make_profiles(noise_treatments())
    flat = profiles.features[:, :1] * np.ones(24, np.float32)
    flat = flat + 1e-3 * profiles.features
    warnings = well_table(profiles.with_features(flat)).warnings
    assert "vary along 1.0 directions" in warnings[0]


def test_doses_written_alike_to_four_digits_are_one(make_profiles):
    profiles = make_profiles({("compound", "a", 1.0): 1, ("compound", "a", 1.00001): 1})
    doses = well_table(profiles).wells["dose_um"].dropna()
    assert doses.unique().tolist() == [1.0]
