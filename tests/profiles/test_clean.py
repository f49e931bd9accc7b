import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.clean import clean_features
from napari_tide.profiles.profiles import Profiles


def profiles_of(features):
    names = tuple(f"f{i}" for i in range(features.shape[1]))
    metadata = pd.DataFrame({"Metadata_Well": ["A01"] * len(features)})
    return Profiles(metadata, features, names)


def test_useless_features_go_and_gaps_are_filled_and_said():
    features = np.random.default_rng(0).normal(size=(100, 5))
    features[:, 1] = 3.0
    features[:10, 2] = np.nan
    features[4, 3] = np.inf
    cleaned, notes = clean_features(profiles_of(features))
    assert cleaned.feature_names == ("f0", "f3", "f4")
    others = np.delete(features[:, 3], 4)
    assert cleaned.features[4, 1] == pytest.approx(np.median(others))
    assert notes == [
        "1 features dropped: more than 5 % missing or infinite",
        "1 features dropped: constant",
        "1 values filled with their feature's median",
    ]


def test_clean_features_are_left_alone():
    features = np.random.default_rng(0).normal(size=(10, 3))
    cleaned, notes = clean_features(profiles_of(features))
    np.testing.assert_array_equal(cleaned.features, features)
    assert notes == []


def test_a_table_with_nothing_left_is_refused():
    with pytest.raises(ProfileValueError, match="none of 2 features can be used"):
        clean_features(profiles_of(np.ones((4, 2))))
