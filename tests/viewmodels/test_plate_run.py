"""Runs of a tiny student over the test screen, with work done at once and in steps."""

import threading

import numpy as np
import pytest

from napari_tide.inference.against_controls import drug_scores, p_against_controls
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.profile_screen import profile_screen
from napari_tide.profiles.store import read_profiles
from napari_tide.screens.open_screen import annotate_screen
from napari_tide.screens.well import Well
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.plate_scores import PlateScores
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice
from napari_tide.viewmodels.well_scores import (
    ABOVE_CONTROLS,
    P_DRUG,
    QUALITY,
    TOP_DRUG,
    score_columns,
)

B02, C03 = Well.parse("B02"), Well.parse("C03")


@pytest.fixture
def bundle(make_bundle):
    """Return a student that fits the screen of these tests."""
    return make_bundle()


@pytest.fixture
def choice(session, background, recent, bundle):
    choice = StudentChoice(session, background, recent)
    choice.open(bundle.folder)
    return choice


@pytest.fixture
def run(session, choice, background):
    return PlateRun(session, choice, background)


def columns(run, choice, controls=None):
    found = score_columns(run.results, choice.scorer, drug=choice.drug, controls=controls or {})
    return {column.column: column for column in found}


def test_a_field_a_well_and_the_plate_are_run(run, session):
    run.run("field")
    assert [site.well for site in run.results.sites.values()] == [B02]
    assert run.text == "1 site done"
    run.run("well")
    assert len(run.results.sites) == 2
    assert run.results.wells[B02].n_sites == 2
    run.run("plate")
    on_plate = int((session.screen.sites["plate"] == "P1").sum())
    assert len(run.results.sites) == on_plate
    assert run.text == f"{on_plate - 2} sites done"
    assert run.state == "idle"


def test_wells_score_as_tide_profile_says(run, session, choice, bundle, screen, tmp_path):
    run.run("plate")
    out = tmp_path / "wells.parquet"
    embedder = Embedder(bundle.student)
    plate = screen.with_sites(screen.sites[screen.sites["plate"] == "P1"])
    profile_screen(plate, bundle, out, embedder=embedder, level="well")
    wanted = read_profiles(out)
    assert np.allclose(session.profiles.features, wanted.features, atol=1e-5)
    assert list(session.profiles.column("Metadata_Well")) == list(wanted.column("Metadata_Well"))
    session.choose_drug("drug2")
    negcon = {Well.parse(f"B{n:02d}"): "negcon" for n in range(2, 6)}
    by_name = columns(run, choice, negcon)
    wells = [Well.parse(name) for name in wanted.column("Metadata_Well")]
    p = drug_scores(wanted, bundle, drug="drug2", score="probability")
    assert np.allclose([by_name[P_DRUG].numbers[well] for well in wells], p, atol=1e-5)
    p_values = p_against_controls(wanted, drug_scores(wanted, bundle, drug="drug2"))
    found = [10 ** -by_name[ABOVE_CONTROLS].numbers[well] for well in wells]
    assert np.allclose(found, p_values)
    assert set(by_name[TOP_DRUG].words.values()) <= set(choice.drugs)
    assert by_name[P_DRUG].title == "P(drug2)"


def test_the_next_student_does_what_this_one_did(run, session, choice, make_bundle):
    run.run("plate")
    before = {row: site.tiles.directions for row, site in run.results.sites.items()}
    run.run_again_with_next()
    choice.open(make_bundle(seed=5, name="next").folder)
    assert run.results.sites.keys() == before.keys()
    changed = [
        not np.allclose(site.tiles.directions, before[row])
        for row, site in run.results.sites.items()
    ]
    assert all(changed)
    assert session.profiles.student == choice.bundle.id


def test_a_student_chosen_by_hand_runs_nothing_by_itself(run, choice, make_bundle):
    run.run("field")
    choice.open(make_bundle(seed=5, name="next").folder)
    assert not run.results.sites


def test_results_are_found_again_next_time(run, choice, screen, background, recent, bundle):
    run.run("plate")
    again = Session()
    again.open(screen)
    second = StudentChoice(again, background, recent)
    second.open(bundle.folder)
    found = PlateRun(again, second, background)
    assert found.results.sites.keys() == run.results.sites.keys()
    for row, site in found.results.sites.items():
        assert np.allclose(site.tiles.directions, run.results.sites[row].tiles.directions)
    assert again.profiles is not None
    assert len(again.profiles) == len(found.results.wells)


def test_profiles_of_all_plates_run_are_put_together(run, session):
    run.run("plate")
    session.choose_plate("P2")
    assert run.results.sites == {}
    run.run("plate")
    assert set(session.profiles.column("Metadata_Plate")) == {"P1", "P2"}
    session.choose_plate("P1")
    assert len(run.results.wells) == 12


def test_a_plate_map_joined_later_renames_the_profiles(run, session, tmp_path):
    run.run("plate")
    session.choose_plate("P2")
    run.run("plate")
    table = tmp_path / "map.csv"
    table.write_text("well_position,compound\nB02,taxol\nC03,taxol\n")
    session.open(annotate_screen(session.screen, plate_map=table), place=session.place)
    said = session.profiles.column("Metadata_Compound")
    wells = session.profiles.column("Metadata_Well")
    assert set(said[wells == "C03"]) == {"taxol"}
    assert len(run.results.wells) == 2


def test_an_unreadable_image_is_told_and_the_rest_goes_on(run, session, choice, plate_folder):
    (plate_folder / "P1" / "C03_s1_ER.tif").write_bytes(b"no tiff")
    (plate_folder / "P1" / "D02_s1_ER.tif").unlink()
    (plate_folder / "P1" / "D02_s2_ER.tif").unlink()
    run.run("plate")
    assert "3 of 23 sites could not be read, the first in well C03" in session.problem
    assert "C03_s1_ER.tif" in session.problem
    assert run.text == "20 sites done"
    quality = columns(run, choice)[QUALITY].words
    assert "unreadable" in quality[C03]
    assert C03 in run.results.wells
    assert Well.parse("D02") not in run.results.wells
    assert columns(run, choice)[P_DRUG].numbers.keys() == run.results.wells.keys()


def test_a_field_that_cannot_be_read_is_one_sentence(run, session, plate_folder):
    (plate_folder / "P1" / "C03_s1_ER.tif").unlink()
    session.go_to(C03)
    run.run("field")
    assert "C03_s1_ER.tif" in session.problem
    assert "the others" not in session.problem
    assert run.text == "nothing could be read"
    assert run.can_run


def test_a_cancelled_run_keeps_what_is_done_and_goes_on(
    session, choice, stepwise, screen, recent, bundle
):
    run = PlateRun(session, choice, stepwise)
    stepwise.finish()
    run.run("plate")
    assert run.state == "running"
    assert "preparing 23 sites" in run.text
    stepwise.step(3)
    assert run.progress == (3, 23)
    run.run("well")
    assert "cancel it first" in session.problem
    run.cancel()
    assert run.text == "cancelling…"
    assert run.state == "cancelling"
    stepwise.finish()
    assert run.state == "idle"
    done = len(run.results.sites)
    assert 3 <= done < 23
    assert run.text == f"cancelled at {done} of 23 sites; Run goes on from there"
    assert session.profiles is not None
    run.run("plate")
    assert run.progress == (0, 23 - done)
    stepwise.finish()
    assert len(run.results.sites) == 23


def test_another_screen_cancels_the_run(session, choice, stepwise, screen, plate_folder):
    run = PlateRun(session, choice, stepwise)
    stepwise.finish()
    run.run("plate")
    stepwise.step(1)
    other = screen.with_sites(screen.sites)
    object.__setattr__(other, "source", "elsewhere")
    session.open(other)
    assert run.state == "cancelling"
    stepwise.finish()
    assert run.state == "idle"


def test_another_plate_lets_the_run_go_on_out_of_sight(session, choice, stepwise):
    run = PlateRun(session, choice, stepwise)
    stepwise.finish()
    run.run("plate")
    stepwise.step(2)
    session.choose_plate("P2")
    assert run.results.sites == {}
    assert run.state == "running"
    stepwise.finish()
    assert run.results.sites == {}
    session.choose_plate("P1")
    stepwise.finish()
    assert len(run.results.sites) == 23


def test_two_windows_on_one_plate_take_turns(session, choice, stepwise, screen, recent, bundle):
    run = PlateRun(session, choice, stepwise)
    stepwise.finish()
    run.run("plate")
    stepwise.step(1)
    second = Session()
    second.open(screen)
    other_choice = StudentChoice(second, stepwise, recent)
    other_choice.open(bundle.folder)
    other = PlateRun(second, other_choice, stepwise)
    stepwise.finish_but_first()
    other.run("plate")
    stepwise.finish_but_first()
    assert "another window" in second.problem
    assert other.state == "idle"
    stepwise.finish()
    assert len(run.results.sites) == 23


def test_running_without_a_student_names_the_next_click(session, background, recent):
    run = PlateRun(session, StudentChoice(session, background, recent), background)
    assert not run.can_run
    run.run("plate")
    assert "Browse" in session.problem


def test_work_runs_off_the_callers_thread(session, choice, threaded):
    run = PlateRun(session, choice, threaded)
    threaded.wait()
    run.run("well")
    threaded.wait()
    assert len(run.results.sites) == 2
    assert threaded.names.isdisjoint({threading.current_thread().name})


def test_the_plate_is_coloured_by_the_drug_as_wells_finish(session, choice, stepwise):
    run, plate = PlateRun(session, choice, stepwise), PlateViewModel(session)
    scores = PlateScores(plate, run, choice)
    stepwise.finish()
    titles = [choice.title for choice in plate.colour_choices]
    assert "P(drug0)" not in titles
    run.run("plate")
    stepwise.step(2)
    assert plate.colour_choice.title == "P(drug0)"
    assert set(plate.fills) == {B02}
    plate.colour_by("compound")
    stepwise.finish()
    assert plate.colour_choice.column == "compound"
    plate.colour_by("tide:p_drug")
    assert set(plate.fills) == set(plate.wells)
    before = plate.legend.low
    session.choose_drug("drug3")
    assert plate.colour_choice.title == "P(drug3)"
    assert plate.legend.low != before
    assert "P(drug3) 0." in plate.describe(C03)
    session.choose_plate("P2")
    assert plate.colour_choice.column == "compound"
    assert "P(drug3)" not in plate.describe(C03)
    assert scores
