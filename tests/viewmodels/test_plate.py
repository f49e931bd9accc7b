import pytest

from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.well import Well
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.well_colouring import NEUTRAL


@pytest.fixture
def plate(session):
    return PlateViewModel(session)


def well(name):
    return Well.parse(name)


def names(wells):
    return sorted(str(well) for well in wells)


def test_the_whole_grid_is_there_before_and_after_opening(session):
    assert PlateViewModel(Session()).format == PlateFormat(8, 12)
    assert PlateViewModel(session).format == PlateFormat(8, 12)


def test_missing_wells_are_told_from_imaged_ones(plate):
    assert plate.is_imaged(well("C03"))
    assert not plate.is_imaged(well("C04"))
    assert len(plate.wells) == 12


def test_a_well_says_who_it_is(plate):
    assert plate.describe(well("C03")) == "C03 · nocodazole 6.4 µM · 2 sites"
    assert plate.describe(well("B02")) == "B02 · DMSO (negative control) · 2 sites"
    assert plate.describe(well("D05")) == "D05 · etoposide 102 µM (positive control) · 1 site"
    assert plate.describe(well("H12")) == "H12 · 2 sites"
    assert plate.describe(well("C04")) == "C04 · not imaged"


def test_what_is_on_show_names_the_site(plate, session):
    session.go_to(well("C03"), site=2)
    assert plate.place_text() == "C03 · nocodazole 6.4 µM · site 2 of 2"


def test_only_columns_that_say_something_are_offered(plate):
    assert [choice.column for choice in plate.colour_choices] == [
        "", "compound", "dose_um", "control", "n_sites",
    ]  # fmt: skip
    assert plate.colour_choice.title == "Compound"


def test_compounds_are_told_apart_and_the_vehicle_is_grey(plate):
    assert plate.fills[well("B02")] == NEUTRAL
    assert plate.fills[well("C02")] == plate.fills[well("C05")]
    assert plate.fills[well("C02")] != plate.fills[well("D02")]
    assert well("H12") not in plate.fills
    assert [name for name, _ in plate.legend.entries] == ["DMSO", "etoposide", "nocodazole"]


def test_doses_are_coloured_on_a_scale(plate):
    plate.colour_by("dose_um")
    assert (plate.legend.low, plate.legend.high) == pytest.approx((1.6, 102.4))
    assert plate.legend.is_log
    assert well("B02") not in plate.fills
    assert plate.fills[well("C02")] == plate.fills[well("D02")]


def test_a_column_that_is_not_offered_changes_nothing(plate):
    plate.colour_by("smiles")
    assert plate.colour_choice.column == "compound"


def test_the_chosen_colour_is_kept_on_the_next_plate(plate, session):
    plate.colour_by("dose_um")
    session.choose_plate("P2")
    assert plate.plate_name == "P2"
    assert plate.colour_choice.column == "dose_um"
    assert names(plate.fills) == ["C03"]


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        ("C03", {"columns": 1}, "C05"),
        ("C05", {"columns": -1}, "C03"),
        ("B04", {"rows": 1}, "D04"),
        ("B02", {"rows": -1}, "B02"),
        ("D05", {"columns": 1}, "H12"),
        ("H12", {"rows": -1}, "D05"),
    ],
)
def test_arrow_keys_go_to_the_nearest_imaged_well(plate, session, start, step, end):
    session.go_to(well(start))
    plate.step(**step)
    assert session.well == well(end)


def test_home_and_end_stay_in_the_row_or_span_the_plate(plate, session):
    session.go_to(well("C03"))
    ends = []
    for end, of_plate in ((1, False), (-1, False), (1, True), (-1, True)):
        plate.go_to_end(end, of_plate=of_plate)
        ends.append(str(session.well))
    assert ends == ["C05", "C02", "H12", "B02"]


def test_plates_are_stepped_through_and_end_at_the_last(plate, session):
    session.go_to(well("C03"))
    session.step_plate(1)
    session.step_plate(1)
    assert (plate.plate_name, session.well) == ("P2", well("C03"))
    session.step_plate(-2)
    assert plate.plate_name == "P1"


def test_wells_are_selected_with_all_their_sites(plate, session):
    plate.select_wells(plate.wells_between(well("C05"), well("B04")))
    assert names(plate.selected_wells) == ["B04", "B05", "C05"]
    assert len(session.selection) == 6
    plate.toggle_well(well("C05"))
    plate.toggle_well(well("H12"))
    plate.toggle_well(well("A01"))
    assert names(plate.selected_wells) == ["B04", "B05", "H12"]
    plate.select_wells([well("B02")], add=True)
    assert names(plate.selected_wells) == ["B02", "B04", "B05", "H12"]


def test_a_selection_stays_when_the_plate_changes(plate, session):
    plate.select_wells([well("B02")])
    session.choose_plate("P2")
    assert plate.selected_wells == frozenset()
    session.choose_plate("P1")
    assert names(plate.selected_wells) == ["B02"]


def test_two_viewmodels_on_one_session_agree(plate, session):
    other = PlateViewModel(session)
    plate.step(columns=1)
    assert other.current == well("B03")


def test_a_plate_of_drugs_and_knock_outs_is_coloured_by_either(screen):
    sites = screen.sites.copy()
    knocked = (sites["well"] == "D02") & (sites["plate"] == "P1")
    sites.loc[knocked, ["compound", "control"]] = ""
    sites.loc[knocked, "gene"] = "TUBB"
    sites.loc[knocked, "perturbation_type"] = "crispr"
    session = Session()
    session.open(screen.with_sites(sites))
    plate = PlateViewModel(session)
    assert plate.colour_choice.title == "Compound or gene"
    assert plate.fills[well("D02")] != plate.fills[well("D03")]
    assert "D02 · TUBB knock-out" in plate.describe(well("D02"))
