import pytest

from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.student_choice import StudentChoice


@pytest.fixture
def bundle(make_bundle):
    """Return a student that fits the screen of these tests."""
    return make_bundle()


@pytest.fixture
def choice(session, background, recent):
    return StudentChoice(session, background, recent)


def test_a_student_is_opened_and_its_drugs_offered(choice, session, bundle, recent):
    assert not choice.is_ready
    choice.open(bundle.folder)
    assert choice.name == "student"
    assert choice.drugs == ("drug0", "drug1", "drug2", "drug3")
    assert session.student == bundle.folder
    assert session.drug == "drug0"
    assert choice.is_ready
    assert recent.folders() == [bundle.folder]
    assert bundle.folder in choice.recent()


def test_a_student_for_other_channels_is_refused_and_the_old_one_stays(
    choice, session, bundle, make_bundle, recent
):
    choice.open(bundle.folder)
    other = make_bundle("golgi", channels=("DNA", "Golgi"))
    choice.open(other.folder)
    assert "student golgi needs Golgi" in session.problem
    assert choice.name == "student"
    assert session.student == bundle.folder
    assert other.folder not in recent.folders()


def test_a_folder_that_is_no_bundle_is_one_sentence(choice, session, tmp_path):
    choice.open(tmp_path)
    assert "is no student bundle" in session.problem
    assert session.student is None
    assert not choice.is_loading


def test_a_student_chosen_in_another_dock_is_opened(choice, session, bundle, tmp_path):
    session.choose_student(bundle.folder)
    assert choice.name == "student"
    session.choose_student(tmp_path)
    assert "is no student bundle" in session.problem
    assert session.student == bundle.folder
    session.choose_student(None)
    assert choice.bundle is None
    assert not choice.is_ready


def test_a_screen_the_student_does_not_fit_says_so(background, recent, make_bundle, screen):
    session = Session()
    choice = StudentChoice(session, background, recent)
    other = make_bundle("golgi", channels=("DNA", "Golgi"))
    choice.open(other.folder)
    assert choice.name == "golgi"
    session.open(screen)
    assert "needs Golgi" in choice.unfit
    assert "needs Golgi" in session.problem
    assert not choice.is_ready


def test_the_newest_of_two_requests_wins(session, stepwise, recent, bundle, make_bundle):
    choice = StudentChoice(session, stepwise, recent)
    newer = make_bundle("newer", seed=1)
    choice.open(bundle.folder)
    choice.open(newer.folder)
    assert choice.is_loading
    stepwise.finish()
    assert choice.name == "newer"


def test_a_screen_with_a_student_of_its_own_brings_it(background, recent, make_bundle, screen):
    own = make_bundle()
    own.folder.rename(screen.root / "student")
    session = Session()
    choice = StudentChoice(session, background, recent)
    session.open(screen)
    assert choice.name == "student"
    assert session.student == screen.root / "student"


def test_the_drug_in_the_well_on_show_comes_first(session, background, recent, make_bundle):
    session.go_to_named("C03")
    bundle = make_bundle()
    sites = session.screen.sites.replace({"compound": {"nocodazole": "drug2"}})
    session.open(session.screen.with_sites(sites), place=session.place)
    choice = StudentChoice(session, background, recent)
    choice.open(bundle.folder)
    assert session.drug == "drug2"
    assert choice.drug == 2
    session.choose_drug("aspirin")
    assert choice.drug is None


def test_else_a_drug_of_the_plate_comes_first_and_no_control(
    session, background, recent, make_bundle
):
    bundle = make_bundle()
    names = {"nocodazole": "drug2", "etoposide": "drug1", "DMSO": "drug3"}
    sites = session.screen.sites.replace({"compound": names})
    sites.loc[sites["well"] == "B02", "compound"] = "water"
    session.open(session.screen.with_sites(sites), place=session.place)
    StudentChoice(session, background, recent).open(bundle.folder)
    assert session.drug == "drug2"
