import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.align.alignment import fit_alignment
from napari_tide.profiles.align.controls import Controls
from napari_tide.profiles.profiles import Profiles, embedding_names
from tide_train.data.batch_corrections import centred, corrected, undone

CORRECTIONS = ("center", "center-scale", "pca-cs", "tvn")


def make_rows(*, n_features=4, n_controls=12, seed=0):
    """Two batches that differ by shift and gain, controls first in each."""
    random = np.random.default_rng(seed)
    batches, parts, controls = [], [], []
    for number, name in enumerate(("first", "second")):
        rows = random.normal(size=(n_controls + 10, n_features)) @ np.diag(
            np.arange(1, n_features + 1)
        )
        rows[n_controls:] += 2
        parts.append(rows * (1 + number) + 5 * number)
        batches += [name] * len(rows)
        controls += ["negcon"] * n_controls + [""] * 10
    metadata = pd.DataFrame({"Metadata_Batch": batches, "Metadata_Control": controls})
    return Profiles(metadata, np.concatenate(parts), embedding_names(n_features))


def test_center_and_center_scale_are_the_slow_loops_over_batches():
    rows = make_rows()
    plain, scaled = rows.features.copy(), rows.features.copy()
    for batch in ("first", "second"):
        here = rows.batches == batch
        controls = rows.features[here & rows.is_control]
        plain[here] -= controls.mean(axis=0)
        scaled[here] = (scaled[here] - controls.mean(axis=0)) / controls.std(axis=0)
    size = np.sqrt((plain[rows.is_control] ** 2).mean())
    np.testing.assert_allclose(corrected(rows, "center"), plain / size, rtol=1e-5)
    np.testing.assert_allclose(corrected(rows, "center-scale"), scaled, rtol=1e-5)


@pytest.mark.parametrize("correction", ["pca-cs", "tvn"])
def test_rotating_corrections_are_those_of_profiles_but_for_a_rotation_and_one_factor(correction):
    rows = make_rows()
    found = corrected(rows, correction).astype(np.float64)
    by_hand = align_profiles(centred(rows) if correction == "tvn" else rows, correction).features
    # a rotation and a factor leave all inner products alike
    factor = np.mean(by_hand[rows.is_control] ** 2)
    np.testing.assert_allclose(found @ found.T, by_hand @ by_hand.T / factor, atol=1e-4)


def test_rows_stay_in_their_own_axes():
    rows = make_rows()
    start = centred(rows).features
    for correction in CORRECTIONS:
        found = corrected(rows, correction)
        own = [np.corrcoef(found[:, d], start[:, d])[0, 1] for d in range(4)]
        other = [np.corrcoef(found[:, d], start[:, d - 1])[0, 1] for d in range(4)]
        assert min(own) > max(other) + 0.2, correction


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_only_controls_are_fitted_on(correction):
    rows = make_rows()
    moved = rows.features.copy()
    moved[~rows.is_control] *= 7
    again = corrected(rows.with_features(moved), correction)
    np.testing.assert_array_equal(
        again[rows.is_control], corrected(rows, correction)[rows.is_control]
    )


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_fewer_controls_than_features_blow_nothing_up(correction):
    rows = make_rows(n_features=60)
    found = corrected(rows, correction)
    assert np.sqrt((found[rows.is_control] ** 2).mean()) == pytest.approx(1, rel=1e-5)
    assert np.abs(found).max() < 60


def test_tvn_can_be_undone():
    rows = make_rows()
    start = centred(rows)
    alignment = fit_alignment(Controls.gather([start]), "tvn")
    aligned = alignment.apply(start).features
    np.testing.assert_allclose(
        (aligned - aligned[0]) @ undone(alignment), start.features - start.features[0], atol=1e-9
    )


def test_a_batch_without_controls_is_refused():
    rows = make_rows()
    metadata = rows.metadata.assign(Metadata_Control="")
    bare = Profiles(metadata, rows.features, rows.feature_names)
    with pytest.raises(ProfileValueError, match="no negative controls"):
        corrected(bare, "center")
