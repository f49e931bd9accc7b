import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.errors import PlateValueError
from napari_tide.screens.well import Well


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [("A1", 0, 0), ("b03", 1, 2), ("P24", 15, 23), ("AF48", 31, 47), (" H012 ", 7, 11)],
)
def test_well_names_are_read_in_every_spelling(name, row, column):
    assert Well.parse(name) == Well(row, column)


@given(st.integers(0, 31), st.integers(0, 47))
def test_a_well_name_reads_back_as_the_same_well(row, column):
    assert Well.parse(Well(row, column).name) == Well(row, column)


@pytest.mark.parametrize("name", ["", "3B", "A00", "B100", "well", "ABC1"])
def test_what_is_no_well_is_refused_by_name(name):
    with pytest.raises(PlateValueError, match="not a well name"):
        Well.parse(name)
