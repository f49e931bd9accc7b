import pytest

from napari_tide.errors import PlaneMissingError, ScreenFormatError, TideError


@pytest.mark.parametrize("breaking", ["\n", "\r\n", "\x85", "\u2028", "\n\n  "])
def test_a_message_is_one_line_whatever_it_quotes(breaking):
    message = str(ScreenFormatError(f"a.csv has{breaking}two lines; make it again"))
    assert message == "a.csv has two lines; make it again"


@pytest.mark.parametrize(
    ("character", "shown"),
    [("\x1b", r"\x1b"), ("\0", r"\x00"), ("\u202e", r"\u202e"), ("\udce9", r"\udce9")],
)
def test_characters_that_garble_a_terminal_are_written_out(character, shown):
    message = str(TideError(f"plate {character}[31m"))
    assert message == f"plate {shown}[31m"
    message.encode("utf-8")


def test_a_long_value_leaves_the_file_and_the_way_out_in_sight():
    message = str(PlaneMissingError("a.csv has well " + "A" * 70_000 + "; check the wells"))
    assert len(message) < 850
    assert message.startswith("a.csv has well AAA")
    assert message.endswith("AAA; check the wells")


def test_names_with_spaces_and_accents_stay_as_they_are():
    assert str(TideError("/data/Plate  1/é µ.tif is gone")) == "/data/Plate  1/é µ.tif is gone"
