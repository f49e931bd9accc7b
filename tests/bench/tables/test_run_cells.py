"""A world, a cell and a report, from beginning to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import RunFormatError
from tide_train.bench.tables.cell_scores import is_finished
from tide_train.bench.tables.collect import by_world, collect_scores, over_worlds
from tide_train.bench.tables.plan import Cell
from tide_train.bench.tables.read_out import MAIN, READ_OUTS, read_out
from tide_train.bench.tables.report import AP, all_tables, chosen_rows
from tide_train.bench.tables.responses import RESPONSES, responses_table, score_responses
from tide_train.bench.tables.run_cells import run_cell, run_cells
from tide_train.bench.tables.worlds import WorldKey, open_world
from tide_train.claim import claim
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    fit_expression_response,
)

RESULTS = Path(__file__).parents[3] / "docs" / "results_tables.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    run_cell(Cell(WorldKey(3), 0, "raw"), out)
    return out


def test_raw_features_find_targets_better_than_chance(finished):
    scores = chosen_rows(collect_scores(finished)).set_index("score")["value"]
    assert scores[AP] > 1.5 * scores[f"{AP} chance"]
    assert scores["one-shot knock-outs top-1 chance"] == pytest.approx(1 / 160)
    assert scores["one-shot held-out drugs top-1 chance"] == pytest.approx(1 / 60)


def test_a_finished_cell_is_not_done_again(finished):
    path = Cell(WorldKey(3), 0, "raw").folder(finished) / "scores.json"
    before = path.stat().st_mtime_ns
    said = []
    n_done = run_cells([Cell(WorldKey(3), 0, "raw")], finished, jobs=1, announce=said.append)
    assert n_done == 0
    assert path.stat().st_mtime_ns == before
    assert said == ["1 of 1 cells are done already"]


@pytest.fixture
def cut_short(finished, tmp_path):
    """A copy whose only cell has scores that end in the middle."""
    folder = Cell(WorldKey(3), 0, "raw").folder(tmp_path)
    folder.mkdir(parents=True)
    whole = (Cell(WorldKey(3), 0, "raw").folder(finished) / "scores.json").read_text()
    (folder / "scores.json").write_text(whole[:80])
    return tmp_path


def test_scores_that_were_cut_short_are_named(cut_short):
    assert not is_finished(Cell(WorldKey(3), 0, "raw").folder(cut_short))
    with pytest.raises(RunFormatError, match=r"scores\.json cannot be read"):
        collect_scores(cut_short)


@pytest.mark.slow
def test_a_cell_whose_scores_were_cut_short_is_done_again(finished, cut_short):
    shutil.copytree(finished / "worlds", cut_short / "worlds")
    run_cell(Cell(WorldKey(3), 0, "raw"), cut_short)
    again, before = (collect_scores(out).drop(columns="train_s") for out in (cut_short, finished))
    pd.testing.assert_frame_equal(again, before)


def test_a_cell_in_other_hands_is_left_alone(finished, tmp_path):
    cell = Cell(WorldKey(3), 0, "raw")
    folder = cell.folder(tmp_path)
    with claim(folder.with_name("seed_0.claim"), is_waiting=False) as is_mine:
        assert is_mine
        assert run_cell(cell, tmp_path, is_waiting=False) is None
    assert not folder.exists()


def test_no_world_trains_on_what_it_is_judged_by(finished):
    world = open_world(WorldKey(3), finished / "worlds")
    trained = world.profiles.take(world.is_trained_on)
    assert not set(trained.column("Metadata_Compound")) & world.held_out
    assert set(trained.column("Metadata_Gene")) == {""}
    assert not trained.is_control.any()
    assert len(world.held_out) == 60


def test_an_alignment_never_looks_at_effects_it_is_judged_by(finished):
    world = open_world(WorldKey(3), finished / "worlds")
    rows = world.profiles.features.copy()
    changed = rows.copy()
    judged = ~world.is_trained_on & ~world.profiles.is_control
    changed[judged] *= 3.0
    for name in READ_OUTS:
        first, second = (
            read_out(
                world.profiles, {"trunk": given}, name, trained_on=world.is_trained_on
            ).features
            for given in (rows, changed)
        )
        np.testing.assert_allclose(first[~judged], second[~judged], atol=1e-9)


def test_the_report_holds_what_is_finished(finished):
    tables = {table.name: table for table in all_tables(collect_scores(finished))}
    assert "Table 3" in tables
    text = tables["Table 3"].to_markdown()
    assert "| `raw` |" in text
    assert "| chance |" in text
    json.dumps(tables["Table 3"].facts())


def test_responses_are_those_of_the_scfms_own_report(finished):
    world = open_world(WorldKey(3), finished / "worlds")
    config = ExpressionResponseConfig(seed=1, n_steps=2, width=8, n_layers=1)
    report = fit_expression_response(world.expression, config).report
    found = score_responses(world, config)
    for name, scores in report.rows.items():
        for score, value in scores.items():
            if value is not None:
                assert found[f"{name}: {score}"] == pytest.approx(value, abs=1e-5)
    assert found["scFM less mean perturbation: mse"] == pytest.approx(
        report.rows["scFM"]["mse"] - report.rows["mean perturbation"]["mse"], abs=1e-5
    )
    rows = pd.DataFrame(
        [
            {"world_seed": 3, "arm": "scfm", "read_out": RESPONSES, "score": key, "value": value}
            for key, value in found.items()
        ]
    )
    text = responses_table(rows).to_markdown()
    assert f"| control | {found['control: r2']:.3f} |" in text


@pytest.mark.slow
def test_a_cell_of_the_main_table_repeats_within_its_interval(tmp_path):
    """One training of CE in one world of the committed table, compared with that world's value."""
    facts = json.loads(RESULTS.read_text())
    known = facts["by_world"]["labels"][AP]
    seed, value = next(iter(known.items()))
    spread = np.std(list(known.values()), ddof=1)
    run_cell(Cell(WorldKey(int(seed)), 0, "labels"), tmp_path)
    rows = chosen_rows(collect_scores(tmp_path))
    found = over_worlds(by_world(rows[rows["score"] == AP])).mean
    assert abs(found - value) < max(2 * spread / np.sqrt(len(known)), 0.01)
    assert rows["read_out"].unique().tolist() == [MAIN]
