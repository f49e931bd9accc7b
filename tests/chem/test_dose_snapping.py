import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.chem.dose_snapping import TOLERANCE_LOG10, snap_doses
from napari_tide.errors import MoleculeValueError

DOSES = st.lists(
    st.one_of(
        st.floats(1e-4, 1e3),
        st.sampled_from([0.0, math.nan, 10.0, 9.99, 8.0, 9.2, 10.6, 11.5, 0.0025, 0.002]),
    ),
    max_size=30,
)


@pytest.mark.parametrize(
    ("given_um", "snapped_um"),
    [
        ([19.999, 20.0, 20.0], [20.0, 20.0, 20.0]),
        ([9.99, 10.0], [10.0, 10.0]),
        ([0.30000000000000004, 0.3], [0.3, 0.3]),
        ([0.04, 0.12, 0.37, 1.11, 3.33, 10.0], [0.04, 0.12, 0.37, 1.11, 3.33, 10.0]),
        ([1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 4.0, 8.0, 16.0]),
        ([0.0, math.nan, 1.0], [0.0, math.nan, 1.0]),
        ([], []),
    ],
    ids=["near", "tie", "float noise", "threefold", "doubling", "zero and missing", "none"],
)
def test_doses_that_mean_the_same_become_one(given_um, snapped_um):
    np.testing.assert_array_equal(snap_doses(given_um), snapped_um)


def test_a_chain_merges_only_through_a_frequent_middle():
    np.testing.assert_array_equal(snap_doses([8.0, 9.2, 9.2, 10.6]), [9.2] * 4)
    # here the ends stand, 0.122 apart, and the middle takes the nearer one
    np.testing.assert_array_equal(
        snap_doses([8.0, 8.0, 9.0, 10.6, 10.6]), [8.0, 8.0, 8.0, 10.6, 10.6]
    )


def test_other_tolerances_can_be_asked_for():
    np.testing.assert_array_equal(snap_doses([8.0, 10.0]), [8.0, 8.0])
    np.testing.assert_array_equal(snap_doses([8.0, 10.0], tolerance_log10=0.01), [8.0, 10.0])


@given(DOSES)
def test_snapping_again_changes_nothing(doses):
    once = snap_doses(doses)
    np.testing.assert_array_equal(snap_doses(once), once)


@given(DOSES, st.randoms(use_true_random=False))
def test_the_order_of_the_doses_does_not_matter(doses, random):
    order = list(range(len(doses)))
    random.shuffle(order)
    shuffled = snap_doses([doses[place] for place in order])
    np.testing.assert_array_equal(shuffled, snap_doses(doses)[order])


@given(DOSES)
def test_no_dose_moves_farther_than_the_tolerance_and_none_is_invented(doses):
    for before, after in zip(doses, snap_doses(doses), strict=True):
        if not before > 0:
            np.testing.assert_equal(after, before)
            continue
        assert abs(math.log10(after) - math.log10(before)) <= TOLERANCE_LOG10 * (1 + 1e-9)
        assert after in doses


@given(st.floats(1e-3, 10), st.integers(1, 20), st.integers(1, 20), DOSES)
def test_doses_that_double_never_merge(dose, n_low, n_high, others):
    snapped = snap_doses([*[dose] * n_low, *[2 * dose] * n_high, *others])
    assert snapped[0] != snapped[n_low]


@pytest.mark.parametrize("wrong", [-1.0, math.inf])
def test_negative_and_infinite_doses_are_refused(wrong):
    with pytest.raises(MoleculeValueError, match="is not a dose in micromolar"):
        snap_doses([1.0, wrong])


def test_a_negative_tolerance_is_refused():
    with pytest.raises(MoleculeValueError, match="expected zero or more"):
        snap_doses([1.0], tolerance_log10=-0.1)
