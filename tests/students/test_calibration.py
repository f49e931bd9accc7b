import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import log_loss as sklearn_log_loss

from napari_tide.errors import StudentValueError
from napari_tide.students.calibration import (
    calibrate,
    expected_calibration_error,
    log_loss,
    p_above_controls,
    softmax,
)

RNG = np.random.default_rng(5)


def overconfident(n=4000, n_drugs=6, sharpness=3.0):
    """Labels drawn from softmax(true), logits given three times too sharp."""
    true = RNG.normal(size=(n, n_drugs)) * 1.5
    cumulative = scipy_softmax(true, axis=1).cumsum(axis=1)
    labels = (RNG.random((n, 1)) > cumulative).sum(axis=1)
    return true * sharpness, labels


def test_probabilities_and_log_loss_agree_with_scipy_and_scikit_learn():
    logits, labels = overconfident(200)
    np.testing.assert_allclose(softmax(logits), scipy_softmax(logits, axis=1), atol=1e-12)
    expected = sklearn_log_loss(labels, scipy_softmax(logits, axis=1), labels=range(6))
    assert log_loss(logits, labels) == pytest.approx(expected, rel=1e-6)


def test_the_temperature_that_was_applied_is_found_again():
    logits, labels = overconfident()
    fitted = calibrate(logits, labels)
    assert fitted.temperature == pytest.approx(3.0, rel=0.1)
    assert fitted.ece_after < 0.03 < fitted.ece_before
    around = [log_loss(logits / t, labels) for t in (0.9 * fitted.temperature, fitted.temperature)]
    assert around[1] < around[0]


def test_calibration_error_is_the_slow_loop():
    logits, labels = overconfident(300)
    probabilities = softmax(logits)
    total = 0.0
    for b in range(15):
        inside = [
            i for i in range(300) if b / 15 < probabilities[i].max() <= (b + 1) / 15
        ]  # fmt: skip
        if inside:
            accuracy = np.mean([probabilities[i].argmax() == labels[i] for i in inside])
            confidence = np.mean([probabilities[i].max() for i in inside])
            total += len(inside) / 300 * abs(accuracy - confidence)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(total)


def test_nothing_to_calibrate_on_is_refused():
    with pytest.raises(StudentValueError, match="needs labelled images"):
        calibrate(np.zeros((0, 3)), np.zeros(0, dtype=int))


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=30),
    st.lists(st.floats(-5, 5), min_size=1, max_size=30),
)
def test_p_against_controls_is_the_count_from_the_definition(scores, controls):
    found = p_above_controls(np.array(scores), np.array(controls))
    expected = [
        (1 + sum(control >= score for control in controls)) / (1 + len(controls))
        for score in scores
    ]
    np.testing.assert_allclose(found, expected)


def test_p_against_controls_is_uniform_for_wells_that_are_controls_themselves():
    from scipy.stats import kstest

    p_values = [p_above_controls(RNG.normal(size=1), RNG.normal(size=199))[0] for _ in range(800)]
    assert kstest(p_values, "uniform").pvalue > 0.001


def test_without_controls_p_is_unknown_not_significant():
    assert np.isnan(p_above_controls(np.array([1.0]), np.array([]))).all()
    assert np.isnan(p_above_controls(np.array([np.nan]), np.array([1.0]))).all()
