import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.chem.doses import parse_dose_um, parse_doses_um, um_per_unit
from napari_tide.errors import MoleculeValueError


@pytest.mark.parametrize(
    ("text", "dose_um"),
    [
        ("10 \u00b5M", 10.0),  # micro sign, which is also latin-1's \xb5
        ("10 \u03bcM", 10.0),  # Greek mu
        ("10 \u00c2\u00b5M", 10.0),  # UTF-8 read as latin-1
        (b"10 \xb5M".decode("latin-1"), 10.0),
        ("500 nM", 0.5),
        ("1e-6 M", 1.0),
        ("2.5", 2.5),
        ("0.1 mM", 100.0),
        ("10uM", 10.0),
        ("10 um", 10.0),
        (" 3.33E0 umol/L ", 3.33),
        ("0.3 nM", 0.0003),
        ("250 pM", 0.00025),
        ("3 micromolar", 3.0),
        ("0,25 uM", 0.25),
        ("0", 0.0),
    ],
)
def test_doses_are_read_in_micromolar(text, dose_um):
    assert parse_dose_um(text) == pytest.approx(dose_um, rel=1e-12)


@pytest.mark.parametrize("text", ["", "high", "-3", "nan", "inf", "1e999", "10 uM DMSO", "0.1 %"])
def test_what_is_no_dose_is_refused_by_name(text):
    with pytest.raises(MoleculeValueError, match=r"is not a dose|no unit of dose") as refused:
        parse_dose_um(text)
    assert repr(text) in str(refused.value)


def test_a_comma_that_may_mean_a_thousand_is_refused():
    with pytest.raises(MoleculeValueError, match="a thousand or one"):
        parse_dose_um("1,000 nM")


def test_a_bare_m_is_no_unit_but_molar_is():
    with pytest.raises(MoleculeValueError, match="no unit of dose"):
        parse_dose_um("5 m")
    assert parse_dose_um("5 M") == 5e6


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("uM", 1), ("mmoles_per_liter", 1e3), ("(nM)", 1e-3), ("Molar", 1e6), ("mg/ml", None)],
)
def test_units_are_recognised_as_column_names_write_them(unit, factor):
    assert um_per_unit(unit) == factor


def test_arrays_keep_their_order_and_take_the_given_unit_for_bare_numbers():
    doses = parse_doses_um(["500", "", "1 uM", "NA", "-666", "500"], unit="nM")
    np.testing.assert_allclose(doses, [0.5, math.nan, 1.0, math.nan, math.nan, 0.5])


@given(st.floats(1e-6, 1e4), st.sampled_from(["M", "mM", "uM", "\u00b5M", "\u03bcM", "nM"]))
def test_any_number_with_any_unit_reads_back(number, unit):
    molar = {"M": 1, "mM": 1e-3, "nM": 1e-9}.get(unit, 1e-6)
    assert parse_dose_um(f"{number!r} {unit}") == pytest.approx(number * molar * 1e6, rel=1e-9)


@given(st.text(max_size=12))
def test_only_our_own_error_comes_out_of_any_text(text):
    with contextlib.suppress(MoleculeValueError):
        assert 0 <= parse_dose_um(text) < math.inf
