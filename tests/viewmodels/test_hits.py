import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_tide.discovery.hit_list import HitSettings, find_hits
from napari_tide.discovery.hit_table import read_hits
from napari_tide.discovery.known_targets import targets_in_screen
from napari_tide.discovery.queries import search_gene
from napari_tide.discovery.well_table import well_table
from napari_tide.errors import ScreenMissingError, TideError
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles, write_profiles
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.sample_data import sample_folder
from napari_tide.screens.well import Well
from napari_tide.simulate.presets import PRESETS
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.hit_store import FILE
from napari_tide.viewmodels.hits import HitsViewModel
from napari_tide.viewmodels.session import Session

N_COMPOUNDS = 14  # twelve of the screen, two positive controls


class AtOnce:
    """Runs work where it is asked for; `interrupt` stands for a click in between."""

    def __init__(self):
        self.steps, self.interrupt, self.held = [], None, None
        self.is_holding = False

    def start(self, work, *, on_step, on_done, on_failed, token):
        del token
        if self.is_holding:
            self.held = (work, on_step, on_done, on_failed)
            return
        try:
            running = work()
            while True:
                step = next(running)
                self.steps.append(step)
                on_step(step)
                if self.interrupt:
                    self.interrupt()
        except StopIteration as end:
            on_done(end.value)
        except TideError as error:
            on_failed(str(error))

    def let_go(self):
        work, on_step, on_done, on_failed = self.held
        self.is_holding = False
        self.start(work, on_step=on_step, on_done=on_done, on_failed=on_failed, token=None)


@pytest.fixture(scope="module")
def sample():
    try:
        return open_screen(sample_folder())
    except ScreenMissingError:
        pytest.skip("this checkout carries no sample")


@pytest.fixture(scope="module")
def world(tmp_path_factory, sample):
    """The bundled plate measured as features: the same wells, the same truth."""
    del sample
    folder = tmp_path_factory.mktemp("world")
    seed = json.loads((sample_folder() / "world.json").read_text())["seed"]
    simulate_screen(folder, SimulationSettings(PRESETS["sample"], seed, is_features_only=True))
    return folder


@pytest.fixture(scope="module")
def profiles(world) -> Profiles:
    return read_profiles(world / "features.parquet")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def background():
    return AtOnce()


@pytest.fixture
def session(sample, profiles):
    session = Session()
    session.open(sample)
    session.use_profiles(profiles)
    return session


@pytest.fixture
def hits(session, background):
    return HitsViewModel(session, background)


def ask(hits, kind, text="", **more):
    hits.edit(HitQuestion(kind=kind, text=text, **more))
    hits.ask()
    return hits.list.rows.table


def rows_of(screen, *wells):
    return np.flatnonzero(screen.sites["well"].isin(wells)).tolist()


def first_gene(profiles):
    return sorted(set(profiles.column("Metadata_Gene")) - {""})[0]


def test_a_gene_is_answered_with_every_compound_and_the_known_ones_are_marked(
    hits, profiles, sample
):
    gene = first_gene(profiles)
    table = ask(hits, "gene", gene)
    assert hits.problem == ""
    assert len(table) == N_COMPOUNDS
    assert set(table["gene"]) == {gene}
    told = sample.sites.drop_duplicates("compound").set_index("compound")["targets"]
    marked = set(table.loc[table["known_target"] == "yes", "compound"])
    assert marked == {name for name, targets in told.items() if gene in targets.split("|")}
    assert marked


def test_names_are_completed_by_beginning_then_inside_then_likeness(hits):
    names = hits.names
    assert "DMSO" not in names.compounds
    assert len(names.genes) == 14
    some = names.genes[0]
    assert names.complete(some[:3].lower(), "gene")[0].startswith(some[:3])
    assert some in names.complete(some[1:], "gene")
    assert some in names.complete(some + "X", "gene")
    assert names.complete(some, "smiles") == []


def test_a_name_that_is_not_there_says_which_was_meant(hits, profiles):
    gene = first_gene(profiles)
    ask(hits, "gene", gene + "X")
    assert f"no gene '{gene}X'" in hits.problem
    assert f"did you mean {gene}" in hits.problem
    ask(hits, "gene", gene)
    assert hits.problem == ""


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        (HitQuestion(kind="gene"), "nothing is asked yet; type a gene's name, such as TUBB"),
        (HitQuestion(kind="smiles", text="CCO"), "choose the student"),
        (HitQuestion(kind="signature", text="a.gct"), "choose the student"),
        (HitQuestion(kind="wells"), "no well is selected; drag over wells"),
        (HitQuestion(kind="pairs", is_within_selection=True), "no well is selected"),
    ],
)
def test_a_question_that_lacks_something_names_the_next_step(hits, question, sentence):
    hits.edit(question)
    hits.ask()
    assert sentence in hits.problem
    assert len(hits.list.rows) == 0


def test_without_profiles_the_next_click_is_named(background):
    hits = HitsViewModel(Session(), background)
    hits.edit(HitQuestion(text="TUBB"))
    hits.ask()
    assert "Open profiles" in hits.problem


def test_selected_wells_are_asked_about_and_are_no_part_of_the_answer(hits, session, sample):
    session.select(rows_of(sample, "A01", "A02"))
    assert hits.n_selected == 2
    table = ask(hits, "wells")
    assert hits.problem == ""
    assert len(table) == N_COMPOUNDS + 14
    assert table["compound"][0] == "YC-1"  # those wells hold it at another dose
    assert table["dose_um"][0] == 10.0
    assert not table["wells"].str.contains(r":A0[12](?:\||$)").any()


def test_within_the_selection_only_what_has_a_well_there_is_ranked(hits, session, sample, profiles):
    session.select(rows_of(sample, "A01", "A02", "A03"))
    inside = set(sample.sites["compound"].iloc[rows_of(sample, "A01", "A02", "A03")])
    table = ask(hits, "gene", first_gene(profiles), is_within_selection=True)
    assert set(table["compound"]) == inside
    assert (table["n_replicates"] == 2).all()  # of the dose that stands out, all wells count
    assert hits.story.n_tested == len(inside)
    assert "within 3 selected wells" in hits.story.question.in_words()


def test_a_hit_that_is_clicked_shows_its_wells_and_leaves_the_question_alone(
    hits, session, sample, profiles
):
    chosen = rows_of(sample, "A01", "A02", "A03", "A04")
    session.select(chosen)
    ask(hits, "gene", first_gene(profiles), is_within_selection=True)
    hits.list.choose(0)
    wells = [name.rpartition(":")[2] for name in hits.list.rows.value(0, "wells").split("|")]
    assert session.selection == frozenset(rows_of(sample, *wells))
    assert session.well == Well.parse(wells[0])
    assert hits.n_selected == 4
    session.select([5])
    assert hits.n_selected == 1


def test_the_drug_of_a_hit_is_chosen_where_the_student_knows_it(
    hits, session, sample, profiles, tmp_path
):
    session._student = tmp_path
    ask_of = HitQuestion(kind="gene", text=first_gene(profiles))
    hits.edit(ask_of)
    session._student = None
    hits.ask()
    session._student = tmp_path
    first, second = hits.list.rows.table["compound"][:2]
    (tmp_path / "config.json").write_text(json.dumps({"drugs": [{"name": second}]}))
    hits.list.choose(0)
    assert session.drug == ""
    hits.list.choose(1)
    assert session.drug == second
    assert first != second


def test_matches_and_opposites_are_ranked_as_asked(hits, profiles):
    gene = first_gene(profiles)
    alike = ask(hits, "gene", gene)["score"]
    opposite = ask(hits, "gene", gene, direction="anti-match")["score"]
    both = ask(hits, "gene", gene, direction="both")["score"]
    assert (alike.diff().dropna() <= 0).all()
    assert (opposite.diff().dropna() >= 0).all()
    assert (both.abs().diff().dropna() <= 1e-12).all()


def test_a_small_score_or_a_missing_star_leaves_the_table_but_not_the_list(hits, profiles):
    table = ask(hits, "gene", first_gene(profiles), direction="both")
    middle = float(table["score"].abs().median())
    hits.list.keep_scores_from(middle)
    assert len(hits.list.shown) == (table["score"].abs() >= middle).sum()
    hits.list.star(0, is_starred=True)
    hits.list.show_starred_only(True)
    assert hits.list.shown.tolist() == [0]
    assert len(hits.list.rows) == N_COMPOUNDS


def test_what_is_exported_reads_back_equal(hits, profiles, tmp_path):
    table = ask(hits, "gene", first_gene(profiles))
    hits.list.sort("compound", is_descending=False)
    hits.list.star(3, is_starred=True)
    hits.export(tmp_path / "all.csv", starred_only=False)
    hits.export(tmp_path / "starred.csv", starred_only=True)
    back = read_hits(tmp_path / "all.csv").sort_values("rank", ignore_index=True)
    pd.testing.assert_frame_equal(back, table, check_dtype=False, rtol=1e-5)
    assert read_hits(tmp_path / "starred.csv")["rank"].tolist() == [4]
    compounds = read_hits(tmp_path / "all.csv")["compound"].tolist()
    assert compounds == sorted(compounds, key=str.casefold)
    hits.export(tmp_path / "hits.xlsx", starred_only=False)
    assert "ends in neither .csv nor .parquet" in hits.problem


def test_an_export_tells_beside_it_where_it_came_from(
    hits, session, sample, profiles, background, tmp_path
):
    gene = first_gene(profiles)
    table = ask(hits, "gene", gene)
    hits.list.keep_scores_from(float(table["score"].median()))
    hits.export(tmp_path / "hits.csv", starred_only=False)
    told = json.loads((tmp_path / "hits.json").read_text())
    assert told["query"]["asked"] == [gene]
    assert (told["n_hits"], told["n_tested"]) == (N_COMPOUNDS, N_COMPOUNDS)
    assert told["exported"]["rows"] == len(read_hits(tmp_path / "hits.csv")) < N_COMPOUNDS
    assert told["settings"]["tail"] == "match"
    assert Path(told["inputs"]["screen"][0]["path"]).parent == sample_folder()
    again = Session()
    again.open(sample)
    HitsViewModel(again, background).export(tmp_path / "again.csv", starred_only=False)
    assert json.loads((tmp_path / "again.json").read_text())["query"] == told["query"]


def test_provenance_replaces_its_like_and_nothing_else(hits, profiles, tmp_path):
    ask(hits, "gene", first_gene(profiles))
    beside = tmp_path / "plate.json"
    beside.write_text('{"plate": "mine"}')
    hits.export(tmp_path / "plate.csv", starred_only=False)
    assert hits.problem.endswith("export under another name")
    assert not (tmp_path / "plate.csv").exists()
    assert json.loads(beside.read_text()) == {"plate": "mine"}
    beside.unlink()
    for _ in range(2):
        hits.export(tmp_path / "plate.csv", starred_only=False)
        assert hits.problem == ""
    assert json.loads(beside.read_text())["query"]["kind"] == "gene"


def test_a_restart_brings_list_stars_notes_and_question_back(
    hits, session, sample, profiles, background
):
    session.select(rows_of(sample, "A01", "A03"))
    table = ask(hits, "gene", first_gene(profiles), is_within_selection=True)
    hits.list.star(1, is_starred=True)
    hits.list.write_note(0, "ask Jo\nabout this")
    again = Session()
    second = HitsViewModel(again, background)
    assert len(second.list.rows) == 0
    background.is_holding = True
    again.open(sample)
    background.let_go()
    pd.testing.assert_frame_equal(second.list.rows.table, table)
    assert second.list.is_starred(1)
    assert not second.list.is_starred(0)
    assert second.list.note(0) == "ask Jo\nabout this"
    assert second.question.text == first_gene(profiles)
    assert second.n_selected == 2
    assert second.story == hits.story
    assert second.problem == ""


def test_stars_stay_from_question_to_question(hits, profiles):
    genes = sorted(set(profiles.column("Metadata_Gene")) - {""})
    ask(hits, "gene", genes[0])
    key = hits.list.rows.key(2)
    hits.list.toggle_star(2)
    ask(hits, "gene", genes[1])
    assert hits.list.n_starred == 0
    ask(hits, "gene", genes[0])
    assert [hits.list.rows.key(p) for p in range(N_COMPOUNDS) if hits.list.is_starred(p)] == [key]


def test_a_damaged_list_is_a_sentence_and_the_next_search_replaces_it(
    hits, sample, profiles, background, cache
):
    ask(hits, "gene", first_gene(profiles))
    (kept,) = cache.rglob(FILE)
    kept.write_bytes(b"PAR1 nonsense")
    (kept.parent / "hit_notes.json").write_text("[1]")
    session = Session()
    session.open(sample)
    second = HitsViewModel(session, background)
    assert "cannot be read; search again" in second.problem
    session.use_profiles(profiles)
    ask(second, "gene", first_gene(profiles))
    assert second.problem == ""
    assert kept.stat().st_size > 1000


def test_where_nothing_can_be_kept_the_answer_is_shown_all_the_same(
    session, profiles, background, cache
):
    cache.write_text("a file where a folder should be")
    hits = HitsViewModel(session, background)
    assert len(ask(hits, "gene", first_gene(profiles))) == N_COMPOUNDS
    assert "will not be there after a restart" in hits.problem


def test_progress_is_told_and_a_cancelled_search_keeps_the_old_list(hits, profiles, background):
    before = ask(hits, "gene", first_gene(profiles))
    told = []
    hits.busy_changed.connect(lambda: told.append(hits.busy))
    background.interrupt = hits.cancel
    ask(hits, "pairs")
    assert "cancelling…" in told
    assert hits.busy == ""
    assert hits.list.rows.table is before
    assert hits.problem == ""


def test_the_newest_question_wins(hits, profiles, background):
    genes = sorted(set(profiles.column("Metadata_Gene")) - {""})
    background.is_holding = True
    ask(hits, "gene", genes[0])
    late = background.held
    background.is_holding = False
    ask(hits, "gene", genes[1])
    background.held = late
    background.let_go()
    assert set(hits.list.rows.table["gene"]) == {genes[1]}
    assert hits.busy == ""


def test_profiles_are_opened_from_a_file_and_survive_a_plate_map(
    sample, profiles, background, tmp_path
):
    write_profiles(profiles, tmp_path / "p.parquet")
    session = Session()
    session.open(sample)
    hits = HitsViewModel(session, background)
    hits.open_profiles(tmp_path / "nowhere.parquet")
    assert "nowhere.parquet is not there" in hits.problem
    hits.open_profiles(tmp_path / "p.parquet")
    assert hits.problem == ""
    assert hits.has_profiles
    session.open(sample)  # as joining a plate map does
    assert hits.has_profiles
    assert len(ask(hits, "gene", first_gene(profiles))) == N_COMPOUNDS


def test_profiles_alone_are_searched_without_a_screen_and_kept(profiles, background, tmp_path):
    write_profiles(profiles, tmp_path / "p.parquet")
    for _ in range(2):
        hits = HitsViewModel(Session(), background)
        hits.open_profiles(tmp_path / "p.parquet")
    assert len(ask(hits, "gene", first_gene(profiles))) == N_COMPOUNDS
    hits.list.choose(0)
    assert hits.problem == ""
    again = HitsViewModel(Session(), background)
    again.open_profiles(tmp_path / "p.parquet")
    assert len(again.list.rows) == N_COMPOUNDS


def test_the_answer_is_that_of_the_discovery_part(hits, profiles, sample):
    gene = first_gene(profiles)
    known = targets_in_screen(sample)
    expected = find_hits(
        [search_gene(well_table(profiles), gene)], HitSettings(), targets=known
    ).table
    pd.testing.assert_frame_equal(ask(hits, "gene", gene), expected)
