"""What goes wrong in the middle of work: nothing is lost, and the message says what to do."""

import numpy as np
import pytest

from napari_tide.screens.well import Well
from napari_tide.viewmodels.hits import HitsViewModel
from napari_tide.viewmodels.maps import MapsViewModel
from napari_tide.viewmodels.overlay import OverlayViewModel
from napari_tide.viewmodels.plate import PlateViewModel
from napari_tide.viewmodels.plate_run import PlateRun
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice

N_SITES = 23
C03 = Well.parse("C03")


@pytest.fixture
def bundle(make_bundle):
    """Return a student that fits the screen of these tests."""
    return make_bundle()


@pytest.fixture
def start(stepwise, recent, bundle):
    """Gives a run of a session, ready to start."""

    def ready(session):
        choice = StudentChoice(session, stepwise, recent)
        choice.open(bundle.folder)
        stepwise.finish()
        run = PlateRun(session, choice, stepwise)
        stepwise.finish()
        return run

    return ready


def opened_anew(screen):
    session = Session()
    session.open(screen)
    return session


@pytest.mark.parametrize("n_steps", [0, 5, N_SITES])
def test_a_run_cancelled_anywhere_is_found_again_and_goes_on(
    session, screen, start, stepwise, n_steps
):
    run = start(session)
    run.run("plate")
    stepwise.step(n_steps)
    run.cancel()
    assert run.text == "cancelling…"
    stepwise.finish()
    assert run.state == "idle"
    done = set(run.results.sites)
    assert n_steps <= len(done) <= n_steps + 8  # the batch under way is finished
    if len(done) < N_SITES:
        assert run.text == f"cancelled at {len(done)} of 23 sites; Run goes on from there"
    again = start(opened_anew(screen))
    assert set(again.results.sites) == done
    again.run("plate")
    assert again.progress == (0, N_SITES - len(done) or N_SITES)
    stepwise.finish()
    assert len(again.results.sites) == N_SITES
    assert not again._failed


def test_a_run_nobody_listens_to_any_more_keeps_what_it_did(session, screen, start, stepwise):
    """The viewer was closed: the token is cancelled, and nothing is told."""
    run = start(session)
    run.run("plate")
    stepwise.step(4)
    (job,) = stepwise.jobs
    job.token.cancel()
    job.steps.close()
    stepwise.jobs.clear()
    assert len(start(opened_anew(screen)).results.sites) == 4


def test_a_site_without_one_channel_is_told_and_the_rest_goes_on(session, screen, start, stepwise):
    sites = screen.sites.copy()
    row = screen.row_of("P1", C03, 1)
    sites.loc[sites.index[row], "path_ER"] = ""
    session.open(screen.with_sites(sites))
    run = start(session)
    run.run("plate")
    stepwise.finish()
    assert "1 of 23 sites could not be read, the first in well C03" in session.problem
    assert "ER" in session.problem
    assert "the others are done" in session.problem
    assert sorted(set(range(N_SITES)) - {row}) == [
        row for row, site in run.results.sites.items() if not site.error
    ]
    assert C03 in run.results.wells


def test_a_plate_with_missing_wells_is_run_without_them(session, start, stepwise):
    run, plate = start(session), PlateViewModel(session)
    missing = Well.parse("C04")
    run.run("plate")
    stepwise.finish()
    assert not plate.is_imaged(missing)
    assert missing not in run.results.wells
    session.go_to(missing)
    assert "was not imaged" in session.problem
    assert len(session.profiles) == 12


def test_a_student_for_other_channels_names_them_and_the_way_out(
    session, background, recent, make_bundle
):
    choice = StudentChoice(session, background, recent)
    choice.open(make_bundle("golgi", channels=("Golgi", "DNA")).folder)
    assert "needs Golgi" in session.problem
    assert "['DNA', 'ER', 'Mito']" in session.problem
    assert "use another student" in session.problem
    run = PlateRun(session, choice, background)
    assert not run.can_run


def test_two_viewers_know_nothing_of_each_other(screen, background, recent, bundle):
    """Everything a dock can do in one of them leaves the other's session as it was."""
    here, there = opened_anew(screen), opened_anew(screen)
    heard = []
    for name in ("place", "selection", "hover", "bundle", "student", "drug", "overlay", "profiles"):
        there.events[name].connect(lambda *value, name=name: heard.append(name))
    parts = [_docks(session, background, recent) for session in (here, there)]
    choice, run, maps, hits, plate = parts[0]
    choice.open(bundle.folder)
    run.run("plate")
    here.choose_overlay("dense")
    here.go_to(C03)
    plate.select_wells([C03])
    maps.point_at("codebook", 1)
    hits.edit(hits.question.model_copy(update={"text": "TUBB"}))
    plate.colour_by("dose_um")
    assert heard == []
    other_choice, other_run, other_maps, other_hits, other_plate = parts[1]
    assert other_choice.bundle is None
    assert other_run.results.sites == {}
    assert other_maps.n_points("codebook") == 0
    assert other_hits.question.text == ""
    assert other_plate.colour_choice.column != "dose_um"
    assert there.state() == opened_anew(screen).state()
    other_choice.open(bundle.folder)
    assert len(other_run.results.sites) == N_SITES
    assert np.array_equal(there.profiles.features, here.profiles.features)


def _docks(session, background, recent):
    choice = StudentChoice(session, background, recent)
    run = PlateRun(session, choice, background)
    OverlayViewModel(session, choice, run, background)
    return (
        choice,
        run,
        MapsViewModel(session),
        HitsViewModel(session, background),
        PlateViewModel(session),
    )
