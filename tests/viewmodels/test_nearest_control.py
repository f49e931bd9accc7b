import itertools
import math

import pytest

from napari_tide.screens.well import Well
from napari_tide.viewmodels.nearest_control import NearestControl
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session


@pytest.fixture
def plate(session):
    return PlateViewModel(session)


@pytest.fixture
def control(session, plate):
    return NearestControl(session, plate)


def relabelled(screen, controls):
    """The screen with these wells of P1 as its only negative controls."""
    sites = screen.sites.copy()
    sites.loc[sites["plate"] == "P1", "control"] = ""
    sites.loc[(sites["plate"] == "P1") & sites["well"].isin(controls), "control"] = "negcon"
    return screen.with_sites(sites)


def test_the_control_is_the_nearest_by_position_for_every_well(session, plate, control):
    negcons = [well for well in plate.wells if plate.control(well) == "negcon"]
    assert len(negcons) > 1
    for well in plate.wells:
        session.go_to(well)
        away = {
            other: math.dist((well.row, well.column), (other.row, other.column))
            for other in negcons
            if other != well
        }
        assert control.control in away
        assert away[control.control] == min(away.values())


def test_a_flip_shows_the_control_at_the_same_site_and_a_second_goes_back(session, control):
    session.go_to(Well.parse("C03"), site=2)
    nearest = control.control
    assert control.label == f"Nearest DMSO: {nearest}"
    assert "same brightness" in control.explanation
    control.flip()
    assert (session.well, session.place.site) == (nearest, 2)
    assert control.label == "Back to C03"
    control.flip()
    assert (session.well, session.place.site) == (Well.parse("C03"), 2)
    assert control.home is None


def test_a_site_the_control_lacks_becomes_its_first(screen):
    sites = screen.sites
    lone = screen.with_sites(
        sites[~((sites["control"] == "negcon") & (sites["site"] == 2))].reset_index(drop=True)
    )
    session = Session()
    session.open(lone)
    control = NearestControl(session, PlateViewModel(session))
    session.go_to(Well.parse("C03"), site=2)
    control.flip()
    assert session.place.site == 1


def test_other_sites_of_the_control_keep_the_way_back_and_another_well_ends_it(session, control):
    session.go_to(Well.parse("C03"))
    control.flip()
    session.step_site(1)
    assert control.label == "Back to C03"
    session.go_to(Well.parse("D02"))
    assert control.home is None
    assert control.label.startswith("Nearest")
    session.go_to(Well.parse("C03"))
    control.flip()
    session.choose_plate("P2")
    assert control.home is None


def test_a_control_is_compared_with_another_control(session, plate, control):
    first = next(well for well in plate.wells if plate.control(well) == "negcon")
    session.go_to(first)
    assert control.control not in (None, first)


def test_a_plate_without_controls_says_what_to_do(screen):
    session = Session()
    session.open(relabelled(screen, []))
    control = NearestControl(session, PlateViewModel(session))
    assert not control.is_possible
    assert control.label == "Nearest control"
    assert control.explanation.startswith("Plate P1 has no negative controls; name them with Plate")
    place = session.place
    control.flip()
    assert session.place == place


def test_an_only_control_says_that_it_is_alone(screen):
    session = Session()
    session.open(relabelled(screen, ["B02"]))
    control = NearestControl(session, PlateViewModel(session))
    session.go_to(Well.parse("B02"))
    assert not control.is_possible
    assert control.explanation == "B02 is the only negative control of plate P1"
    session.go_to(Well.parse("C03"))
    assert control.control == Well.parse("B02")


def test_a_plate_map_that_names_controls_is_heard(screen):
    session = Session()
    session.open(relabelled(screen, []))
    control = NearestControl(session, PlateViewModel(session))
    heard = itertools.count()
    control.changed.connect(lambda: next(heard))
    session.open(relabelled(screen, ["C02"]), place=session.place)
    assert control.control == Well.parse("C02")
    assert next(heard) > 0


def test_before_a_screen_is_open_nothing_is_offered():
    session = Session()
    control = NearestControl(session, PlateViewModel(session))
    assert not control.is_possible
    assert control.explanation == "No screen is open"
    control.flip()
    assert session.problem == ""
