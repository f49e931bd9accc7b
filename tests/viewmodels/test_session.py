import dataclasses

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from napari_tide.errors import ScreenValueError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels.place import Place
from napari_tide.viewmodels.session import Session, SessionState


def well(name):
    return Well.parse(name)


def test_opening_a_screen_goes_to_its_first_well(session):
    assert session.place == Place("P1", well("B02"), 1)
    assert session.problem == ""


def test_opening_passes_over_wells_without_images(plate_folder):
    for channel in ("DNA", "ER", "Mito"):
        (plate_folder / f"P1/B02_s1_{channel}.tif").unlink()
    (plate_folder / "P1/B02_s2_ER.tif").unlink()
    session = Session()
    session.open(read_screen(plate_folder, ReadOptions()))
    assert session.place == Place("P1", well("B03"), 1)


def test_a_screen_with_no_image_at_all_opens_and_says_so(plate_folder):
    for plane in plate_folder.rglob("*.tif"):
        plane.unlink()
    session = Session()
    session.open(read_screen(plate_folder, ReadOptions()))
    assert session.place == Place("P1", well("B02"), 1)
    assert session.problem.startswith("none of the images of ")


def test_setting_the_same_value_announces_nothing(session, heard):
    session.go_to(well("B02"))
    session.hover_over(None)
    session.select([])
    session.choose_plate("P1")
    assert heard == []


def test_a_move_is_announced_once(session, heard):
    session.choose_plate("P2")
    assert heard == [("place", Place("P2", well("B02"), 1))]


def test_a_well_that_was_not_imaged_is_a_sentence_and_moves_nothing(session, heard):
    session.go_to(well("C04"))
    assert session.well == well("B02")
    assert session.problem == "well C04 of plate P1 was not imaged; choose a filled well"
    session.go_to(well("C05"))
    assert session.problem == ""
    assert [name for name, _ in heard] == ["problem", "problem", "place"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("Z99", "was not imaged"), ("nonsense", "is not a well name"), ("", "is not a well name")],
)
def test_a_wrong_well_name_is_a_sentence(session, name, sentence):
    session.go_to_named(name)
    assert sentence in session.problem


def test_steps_pass_over_missing_wells_and_stop_at_the_ends(session):
    session.go_to(well("C03"))
    session.step_well(1)
    assert session.well == well("C05")
    session.step_well(99)
    assert session.well == well("H12")
    session.step_well(-99)
    assert session.well == well("B02")


def test_the_site_is_kept_from_well_to_well_where_it_exists(session):
    session.step_site(1)
    session.go_to(well("C02"))
    assert session.place == Place("P1", well("C02"), 2)
    session.go_to(well("D05"))
    assert session.place == Place("P1", well("D05"), 1)
    session.step_site(1)
    assert session.place == Place("P1", well("D05"), 1)


def test_another_plate_is_shown_at_the_same_well_or_its_first(session):
    session.go_to(well("C03"))
    session.choose_plate("P2")
    assert session.well == well("C03")
    session.choose_plate("P1")
    session.go_to(well("H12"))
    session.choose_plate("P2")
    assert session.well == well("B02")
    session.choose_plate("P9")
    assert "no plate 'P9'" in session.problem


def test_without_a_screen_a_move_says_what_to_do():
    session = Session()
    session.go_to(well("B02"))
    session.step_well(1)
    session.step_site(1)
    assert session.problem.startswith("no screen is open; drop a plate folder")
    assert session.place is None


def test_a_written_state_brings_the_session_back(session, screen):
    session.go_to(well("D03"), site=2)
    session.select([3, 1])
    written = session.state().model_dump_json()
    again = Session()
    again.open(screen)
    again.restore(SessionState.model_validate_json(written))
    assert (again.place, again.selection) == (session.place, frozenset({1, 3}))


def test_a_state_is_checked_when_read():
    with pytest.raises(ValidationError, match="Extra inputs"):
        SessionState.model_validate({"source": "", "plate": "", "well": "", "site": 1, "x": 1})
    state = SessionState(source="a.csv", plate="P1", well="B02", site=1)
    with pytest.raises(ScreenValueError, match=r"open a\.csv before"):
        Session().restore(state)


def test_drugs_without_a_well_can_be_selected_and_are_written_down(session, screen, heard):
    session.select([], drugs=["taxol"])
    session.select([], drugs=["taxol"])
    assert session.selected_drugs == frozenset({"taxol"})
    assert [name for name, _ in heard] == ["selection"]
    again = Session()
    again.open(screen)
    again.restore(session.state())
    assert again.selected_drugs == frozenset({"taxol"})
    session.select([3])
    assert session.selected_drugs == frozenset()


def test_pointing_at_a_drug_is_told_from_pointing_at_its_well(session, heard):
    session.hover_over(None, drug="taxol")
    session.hover_over(well("C03"), drug="taxol")
    session.hover_over(well("C03"))
    session.hover_over(well("C03"))
    assert [value for name, value in heard if name == "hover"] == [None, well("C03"), well("C03")]
    assert session.hovered_drug == ""


def test_profiles_stay_with_their_screen(session, screen):
    profiles = Profiles(pd.DataFrame({"Metadata_Well": ["B02"]}), np.zeros((1, 1)), ("f",))
    session.use_profiles(profiles)
    session.open(screen)
    assert session.profiles is profiles
    session.open(dataclasses.replace(screen, source="another"))
    assert session.profiles is None


def test_student_drug_overlay_and_profiles_are_announced_once(session, tmp_path):
    told = []
    for name in ("student", "drug", "overlay", "profiles"):
        session.events[name].connect(lambda value, name=name: told.append((name, value)))
    profiles = Profiles(pd.DataFrame({"Metadata_Well": ["B02"]}), np.zeros((1, 1)), ("tide_0000",))
    for _ in range(2):
        session.choose_student(tmp_path)
        session.choose_drug("taxol")
        session.choose_overlay("dense")
        session.use_profiles(profiles)
    expected = [("student", tmp_path), ("drug", "taxol"), ("overlay", "dense")]
    assert told == [*expected, ("profiles", profiles)]


def test_profiles_of_another_student_or_screen_are_dropped(session, screen, tmp_path):
    profiles = Profiles(pd.DataFrame({"Metadata_Well": ["B02"]}), np.zeros((1, 1)), ("tide_0000",))
    session.use_profiles(profiles)
    session.choose_student(tmp_path)
    assert session.profiles is None
    session.use_profiles(profiles)
    session.open(dataclasses.replace(screen, source="another"))
    assert session.profiles is None
    assert session.student == tmp_path


def test_the_student_is_shared_and_announced_once(session, tmp_path):
    chosen = []
    session.events.student.connect(chosen.append)
    assert session.student is None
    session.choose_student(tmp_path)
    session.choose_student(tmp_path)
    assert (session.student, chosen) == (tmp_path, [tmp_path])
