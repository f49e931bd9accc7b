import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.chem.dose_snapping import ROUNDING_LOG10, snap_doses
from napari_tide.errors import MoleculeValueError

DOSES = st.lists(
    st.one_of(
        st.floats(1e-4, 1e3),
        st.sampled_from([0.0, math.nan, 10.0, 9.99, 8.0, 9.2, 10.6, 11.5, 0.0025, 0.002, 0.003]),
    ),
    max_size=30,
)
OFTEN = st.sampled_from([1, 2, 150, 1000])


@pytest.mark.parametrize(
    ("given_um", "snapped_um"),
    [
        ([19.999, 20.0, 20.0], [20.0, 20.0, 20.0]),
        ([9.99, 10.0], [10.0, 10.0]),
        ([0.30000000000000004, 0.3], [0.3, 0.3]),
        ([0.04, 0.12, 0.37, 1.11, 3.33, 10.0], [0.04, 0.12, 0.37, 1.11, 3.33, 10.0]),
        ([1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 4.0, 8.0, 16.0]),
        ([8.0, 10.0, 20.0, 25.0], [8.0, 10.0, 20.0, 25.0]),
        ([10.0, 11.1, 10.0], [10.0, 10.0, 10.0]),
        ([0.0, math.nan, 1.0], [0.0, math.nan, 1.0]),
        ([], []),
    ],
    ids=[
        "near",
        "tie",
        "float noise",
        "threefold",
        "doubling",
        "neighbours",
        "L1000",
        "zero and missing",
        "none",
    ],
)
def test_doses_that_mean_the_same_become_one(given_um, snapped_um):
    np.testing.assert_array_equal(snap_doses(given_um), snapped_um)


@pytest.mark.parametrize(
    ("rounded", "whole"), [(0.002, 0.0025), (0.003, 0.0025), (2.0, 2.5), (10.0, 12.0)]
)
def test_a_rare_dose_of_one_digit_is_the_frequent_one_it_was_rounded_from(rounded, whole):
    snapped = snap_doses([rounded, *[whole] * 500])
    np.testing.assert_array_equal(snapped, [whole] * 501)
    # as many as one in two hundred are a dose of their own
    many = [rounded] * 3 + [whole] * 500
    np.testing.assert_array_equal(snap_doses(many), many)


def test_a_rare_dose_that_is_no_rounding_of_its_neighbour_stays():
    doses = [8.0, *[10.0] * 500]
    np.testing.assert_array_equal(snap_doses(doses), doses)


def test_dose_lists_of_public_sets_come_out_as_their_series():
    """Doses and how many wells have them, counted in RxRx3's metadata and two L1000 files."""
    rxrx3 = {
        0.25: 11527, 2.5: 11508, 1.0: 6734, 0.01: 6733, 0.0025: 6732, 0.025: 6727, 0.1: 6727,
        10.0: 6701, 0.026: 4, 0.002: 4, 0.26: 4, 2.6: 4,
    }  # fmt: skip
    series = {0.25, 2.5, 1.0, 0.01, 0.0025, 0.025, 0.1, 10.0}
    assert set(snap_doses(np.repeat([*rxrx3], [*rxrx3.values()]))) == series
    plate = {0.04: 58, 0.12: 59, 0.37: 59, 1.11: 58, 3.33: 59, 10.0: 58}
    assert set(snap_doses(np.repeat([*plate], [*plate.values()]))) == {*plate}
    signatures = {0.1: 16, 0.5: 16, 1.0: 12, 3.0: 10, 10.0: 218}
    assert set(snap_doses(np.repeat([*signatures], [*signatures.values()]))) == {*signatures}


def test_a_chain_merges_only_through_a_frequent_middle():
    np.testing.assert_array_equal(snap_doses([9.0, 9.8, 9.8, 10.7]), [9.8] * 4)
    # here the ends stand, 0.075 apart, and the middle takes the nearer one
    np.testing.assert_array_equal(
        snap_doses([9.0, 9.0, 9.7, 10.7, 10.7]), [9.0, 9.0, 9.0, 10.7, 10.7]
    )


def test_other_tolerances_can_be_asked_for():
    np.testing.assert_array_equal(snap_doses([8.0, 10.0], tolerance_log10=0.1), [8.0, 8.0])
    np.testing.assert_array_equal(snap_doses([10.0, 11.1], tolerance_log10=0.01), [10.0, 11.1])


@given(DOSES, OFTEN)
def test_snapping_again_changes_nothing(doses, often):
    doses = [*doses, *[0.0025] * often]
    once = snap_doses(doses)
    np.testing.assert_array_equal(snap_doses(once), once)


@given(DOSES, st.randoms(use_true_random=False))
def test_the_order_of_the_doses_does_not_matter(doses, random):
    order = list(range(len(doses)))
    random.shuffle(order)
    shuffled = snap_doses([doses[place] for place in order])
    np.testing.assert_array_equal(shuffled, snap_doses(doses)[order])


@given(DOSES, OFTEN)
def test_no_dose_moves_farther_than_rounding_and_none_is_invented(doses, often):
    doses = [*doses, *[0.0025] * often]
    for before, after in zip(doses, snap_doses(doses), strict=True):
        if not before > 0:
            np.testing.assert_equal(after, before)
            continue
        assert abs(math.log10(after) - math.log10(before)) <= ROUNDING_LOG10 * (1 + 1e-9)
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
