import numpy as np
import pandas as pd
import pytest

from napari_tide.transcriptomes.metadata_values import as_number, as_text, decode, tidied


def test_bytes_are_utf8_or_latin1_value_by_value():
    assert decode(["10 µM".encode(), "10 µM".encode("latin-1"), "plain"]) == [
        "10 µM",
        "10 µM",
        "plain",
    ]


@pytest.mark.parametrize("missing", ["-666", "-666.0", "-666.000000", " -666 ", "", "NA", "nan"])
def test_every_spelling_of_nothing_is_missing(missing):
    column = pd.Series(["a", missing])
    assert list(as_text(column)) == ["a", ""]
    assert tidied(column).isna().tolist() == [False, True]


@pytest.mark.parametrize("text", ["-6660", "-666.5", "x-666", "666", "DMSO:-666"])
def test_what_only_looks_like_minus_666_is_kept(text):
    assert list(as_text(pd.Series([text]))) == [text]


def test_minus_666_among_numbers_is_missing():
    np.testing.assert_array_equal(tidied(pd.Series([10, -666])), [10, np.nan])
    np.testing.assert_array_equal(tidied(pd.Series([0.5, -666.0])), [0.5, np.nan])
    np.testing.assert_array_equal(as_number(pd.Series([3, -666])), [3, np.nan])


def test_numbers_stored_as_text_become_numbers():
    assert tidied(pd.Series(["5720", "466"])).tolist() == [5720, 466]
    assert tidied(pd.Series(["5720", "466"])).dtype == np.int64
    np.testing.assert_array_equal(tidied(pd.Series(["1e-2", "-666", ".5"])), [0.01, np.nan, 0.5])


@pytest.mark.parametrize("name", ["007", "1_0", "inf", "0x1f", "1 2", "1e9999", "."])
def test_names_that_look_like_numbers_stay_text(name):
    assert tidied(pd.Series([name, "1"])).tolist() == [name, "1"]


def test_whole_numbers_read_as_names_have_no_decimals():
    assert list(as_text(pd.Series([5720.0, np.nan, -666.0]))) == ["5720", "", ""]


def test_true_and_false_stay_as_they_are():
    assert tidied(pd.Series([True, False])).tolist() == [True, False]
