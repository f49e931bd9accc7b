import numpy as np
import pytest

from napari_tide.inference.new_drugs import NearDrug
from napari_tide.screens.well import Well
from napari_tide.viewmodels.maps import MapsViewModel
from napari_tide.viewmodels.new_drug import NewDrug
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.session import Session

NOCODAZOLE, ETOPOSIDE, CAFFEINE, THEOPHYLLINE, ASPIRIN, NAMELESS = range(6)


def well(name):
    return Well.parse(name)


def around(*points):
    """A small square around each point, joined by a line nothing lies on."""
    corners = []
    for x, y in points:
        corners += [(x - 0.1, y - 0.1), (x + 0.1, y - 0.1), (x + 0.1, y + 0.1), (x - 0.1, y + 0.1)]
        corners += [(x - 0.1, y - 0.1)]
    return corners


@pytest.fixture
def maps(session, bundle, profiles):
    """All three maps laid out: drugs along a line, in opposite orders; wells on another."""
    maps = MapsViewModel(session)
    session.show_bundle(bundle)
    session.use_profiles(profiles)
    line = np.stack([np.arange(6.0), np.zeros(6)], axis=1).astype(np.float32)
    by_structure = line[::-1].copy()
    by_structure[NAMELESS] = np.nan
    maps.show_places("chemistry", by_structure)
    maps.show_places("codebook", line)
    wells = np.stack([np.arange(len(profiles)), np.ones(len(profiles))], axis=1)
    maps.show_places("profiles", wells.astype(np.float32))
    return maps


def spots(maps, name, *points):
    places = maps.places(name)
    return around(*(places[point] for point in points))


def chosen(maps, name):
    return np.flatnonzero(maps.selected(name)).tolist()


def chosen_wells(maps):
    metadata = maps.session.profiles.metadata
    return sorted(metadata["Metadata_Well"][maps.selected("profiles")])


def test_a_lasso_lights_the_same_drugs_and_their_wells(maps, session):
    maps.lasso("codebook", spots(maps, "codebook", NOCODAZOLE, CAFFEINE), "replace")
    assert chosen(maps, "chemistry") == chosen(maps, "codebook") == [NOCODAZOLE, CAFFEINE]
    assert session.selected_drugs == {"nocodazole", "caffeine"}
    plate = PlateViewModel(session)
    assert sorted(map(str, plate.selected_wells)) == ["C02", "C03", "C05"]
    assert chosen_wells(maps) == ["C02", "C03", "C03", "C05"]


def test_a_lasso_by_structure_lights_the_codebook(maps):
    maps.lasso("chemistry", spots(maps, "chemistry", ETOPOSIDE), "replace")
    assert chosen(maps, "codebook") == [ETOPOSIDE]
    assert set(chosen_wells(maps)) == {"D02", "D03", "D04", "D05"}


def test_wells_lassoed_by_profile_light_their_drugs(maps, session):
    wells = session.profiles.metadata["Metadata_Well"].tolist()
    maps.lasso("profiles", spots(maps, "profiles", wells.index("C05"), wells.index("B03")), "add")
    assert chosen_wells(maps) == ["B03", "C05"]
    assert chosen(maps, "codebook") == [NOCODAZOLE]
    assert sorted(map(str, PlateViewModel(session).selected_wells)) == ["B03", "C05"]


def test_wells_selected_on_the_plate_light_up_on_all_maps(maps, session):
    PlateViewModel(session).select_wells([well("D03"), well("B02")])
    assert chosen(maps, "chemistry") == chosen(maps, "codebook") == [ETOPOSIDE]
    assert chosen_wells(maps) == ["B02", "D03"]


def test_lassos_add_and_take_out(maps, session):
    maps.lasso("codebook", spots(maps, "codebook", ASPIRIN), "replace")
    maps.lasso("chemistry", spots(maps, "chemistry", NOCODAZOLE, ETOPOSIDE), "add")
    assert chosen(maps, "codebook") == [NOCODAZOLE, ETOPOSIDE, ASPIRIN]
    maps.lasso("codebook", spots(maps, "codebook", ETOPOSIDE, CAFFEINE), "subtract")
    assert chosen(maps, "chemistry") == [NOCODAZOLE, ASPIRIN]
    assert set(chosen_wells(maps)) == {"C02", "C03", "C05"}
    maps.clear()
    assert chosen(maps, "codebook") == []
    assert session.selection == frozenset()


def test_a_single_drug_without_a_well_stays_selected(maps, session):
    maps.lasso("codebook", spots(maps, "codebook", NAMELESS), "replace")
    assert session.selected_drugs == {"nameless"}
    assert session.selection == frozenset()
    assert chosen(maps, "codebook") == [NAMELESS]
    assert maps.count_text() == "1 of 6 drugs, 0 of 14 wells"


def test_a_line_around_nothing_loses_nothing(maps):
    maps.lasso("codebook", spots(maps, "codebook", ASPIRIN), "replace")
    maps.lasso("codebook", [(90, 90), (91, 90), (91, 91)], "replace")
    assert chosen(maps, "codebook") == [ASPIRIN]


def test_hidden_kinds_are_not_caught(maps):
    maps.colours.colour_by("compound")
    maps.colours.toggle("nocodazole")
    maps.lasso("profiles", [(-1, 0), (99, 0), (99, 2), (-1, 2)], "replace")
    assert set(chosen_wells(maps)) == {
        "B02",
        "B03",
        "B04",
        "B05",
        "D02",
        "D03",
        "D04",
        "D05",
        "H12",
    }
    hidden = session_wells(maps).index("C02")
    place = tuple(maps.places("profiles")[hidden])
    assert maps.nearest("profiles", place, unit_per_px=(0.01, 0.01)) is None


def session_wells(maps):
    return maps.session.profiles.metadata["Metadata_Well"].tolist()


def test_a_drug_without_a_smiles_is_not_on_the_map_of_structures(maps):
    assert maps.visible("chemistry").tolist() == [True] * 5 + [False]
    assert maps.visible("codebook").all()


def test_the_current_well_is_marked_on_all_maps(maps, session):
    session.go_to(well("D04"))
    assert maps.current("chemistry").tolist() == maps.current("codebook").tolist() == [ETOPOSIDE]
    [point] = maps.current("profiles")
    assert maps.title_of("profiles", point) == "P1 D04"
    session.go_to(well("B02"))
    assert len(maps.current("codebook")) == 0


def test_pointing_at_a_drug_marks_it_everywhere(maps, session):
    maps.point_at("codebook", NOCODAZOLE)
    assert maps.hovered("chemistry").tolist() == [NOCODAZOLE]
    assert session.hover == well("C05")  # its highest dose on this plate
    wells = {maps.title_of("profiles", point) for point in maps.hovered("profiles")}
    assert wells == {"P1 C02", "P1 C03", "P1 C05", "P2 C03"}
    maps.point_at("codebook", None)
    assert len(maps.hovered("chemistry")) == 0
    assert session.hover is None


def test_pointing_at_a_well_on_the_plate_marks_its_drug(maps, session):
    session.hover_over(well("D02"))
    assert maps.hovered("chemistry").tolist() == maps.hovered("codebook").tolist() == [ETOPOSIDE]
    [point] = maps.hovered("profiles")
    assert maps.title_of("profiles", point) == "P1 D02"


def test_pointing_at_a_drug_that_is_not_on_the_screen(maps, session):
    maps.point_at("chemistry", ASPIRIN)
    assert maps.hovered("codebook").tolist() == [ASPIRIN]
    assert session.hover is None
    assert maps.describe("chemistry", ASPIRIN) == "aspirin · not on this screen"


def test_a_click_shows_the_drugs_wells_in_turn(maps, session):
    seen = []
    for _ in range(5):
        maps.go_to("codebook", NOCODAZOLE)
        seen.append((session.place.plate, str(session.well)))
    # the plate on show first, its highest dose first; then round again from where the cycle is
    assert seen[:3] == [("P1", "C05"), ("P1", "C03"), ("P1", "C02")]
    assert seen[3] == ("P2", "C03")
    maps.go_to("chemistry", CAFFEINE)
    assert session.problem == "caffeine has no well on this screen"


def test_a_click_on_a_profile_shows_its_well(maps, session):
    metadata = session.profiles.metadata
    point = int(np.flatnonzero(metadata["Metadata_Plate"] == "P2")[0])
    maps.go_to("profiles", point)
    assert session.place.plate == "P2"
    assert str(session.well) == metadata["Metadata_Well"][point]


def test_drugs_are_found_by_name(maps, session):
    assert maps.find("PHYLLINE")
    assert session.selected_drugs == {"theophylline"}
    assert not maps.find("paclitaxel")
    assert session.selected_drugs == {"theophylline"}


def test_a_new_drug_lies_between_its_nearest(maps):
    near = (NearDrug("caffeine", "", 0.75), NearDrug("aspirin", "", 0.5))
    maps.show_new_drug(
        NewDrug("C", {"codebook": near, "chemistry": (NearDrug("caffeine", "", 1),)})
    )
    # weights 4 and 2 at 2 and 4
    assert maps.new_place("codebook") == pytest.approx((16 / 6, 0))
    assert maps.new_place("chemistry") == pytest.approx((3, 0), abs=1e-4)
    assert maps.new_place("profiles") is None


def test_the_point_under_the_pointer_is_the_nearest_to_the_eye(maps):
    assert maps.nearest("codebook", (1.04, 0.0), unit_per_px=(0.01, 0.01)) == ETOPOSIDE
    assert maps.nearest("codebook", (1.4, 0.0), unit_per_px=(0.01, 0.01)) is None
    assert maps.nearest("codebook", (1.4, 0.0), unit_per_px=(0.1, 0.01)) == ETOPOSIDE


def test_arrow_keys_walk_from_point_to_point(maps, session):
    session.go_to(well("C03"))
    assert maps.neighbour("codebook", right=1) == ETOPOSIDE
    maps.point_at("codebook", CAFFEINE)
    assert maps.neighbour("codebook", right=-1) == ETOPOSIDE
    assert maps.neighbour("codebook", up=1) == CAFFEINE


def test_layouts_of_other_points_are_refused(maps):
    before = maps.places("codebook")
    maps.show_places("codebook", np.zeros((9, 2), np.float32))
    assert maps.places("codebook") is before


def test_another_student_forgets_the_maps_it_made(maps, session):
    session.show_bundle(None)
    assert maps.places("codebook") is None
    assert maps.n_points("chemistry") == 0
    assert maps.places("profiles") is None  # profiles are of the student that made them


def test_an_empty_session_has_empty_maps():
    maps = MapsViewModel(Session())
    assert [maps.n_points(name) for name in ("chemistry", "codebook", "profiles")] == [0, 0, 0]
    assert maps.nearest("codebook", (0, 0), unit_per_px=(1, 1)) is None
    assert maps.neighbour("codebook", right=1) is None
    assert maps.count_text() == ""
    maps.lasso("codebook", [(0, 0), (1, 0), (1, 1)], "replace")


def test_profiles_without_a_screen_can_be_selected(bundle, profiles):
    session = Session()
    maps = MapsViewModel(session)
    session.use_profiles(profiles)
    places = np.random.default_rng(0).normal(size=(len(profiles), 2)).astype(np.float32)
    maps.show_places("profiles", places)
    maps.lasso("profiles", around(places[4]), "replace")
    assert chosen(maps, "profiles") == [4]
    assert maps.count_text() == "1 of 14 profiles"


def test_colours_agree_on_all_maps_and_scores_follow_the_well(maps, session):
    assert maps.colours.choice.column == "compound"
    maps.colours.colour_by("score")
    first = maps.colours.of("codebook").rgb().copy()
    session.go_to(well("C05"))
    assert (maps.colours.of("codebook").rgb() != first).any()
    assert maps.colours.legend.kind == "scale"
    assert 0 < maps.colours.legend.low < maps.colours.legend.high <= 1
