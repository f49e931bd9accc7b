"""Training on public tables, judged by compounds it never saw."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tide_train.evaluate.held_out_scores import arm_config
from tide_train.evaluate.jump_tables import read_moa_plates, read_target_compounds
from tide_train.evaluate.moa_case import moa_cases
from tide_train.evaluate.real_tables import main, reference_figures
from tide_train.evaluate.target_case import target_cases
from tide_train.prepare import prepare

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def plates(real):
    return read_moa_plates(real)


@pytest.fixture(scope="module")
def compounds(real):
    return read_target_compounds(real)


def test_the_tables_are_read_whole(plates, compounds):
    assert len(plates.profiles) == 384 + 383
    assert plates.compounds["mechanism"].nunique() == 47
    assert np.isfinite(plates.profiles.features).all()
    assert np.abs(plates.profiles.features).max() == 10  # 699 as it comes
    assert len(compounds.profiles) == 306
    assert len(set(compounds.molecules)) == 301
    assert compounds.expression.values_NG.shape == (75, 978)


def test_raw_embeddings_give_the_known_figures(compounds):
    found = reference_figures(compounds)
    target = found["images, same target, 306 compounds"]
    mechanism = found["images, same mechanism, 306 compounds"]
    assert target["auc"] == pytest.approx(0.585, abs=0.002)
    assert mechanism["auc"] == pytest.approx(0.66, abs=0.002)
    assert target["auc_interval"]["low"] < target["auc"] < target["auc_interval"]["high"]


def test_no_molecule_is_on_both_sides_and_each_is_held_out_once(plates, compounds):
    molecule = dict(
        zip(compounds.profiles.column("Metadata_Compound"), compounds.molecules, strict=True)
    )
    seen = []
    for case in target_cases(compounds, n_folds=5, seed=3):
        training = set(molecule) - set(case.held_out)
        assert not {molecule[name] for name in case.held_out} & {
            molecule[name] for name in training
        }
        seen += case.held_out
    assert sorted(seen) == sorted(molecule)
    for train, test in (("a", "b"), ("b", "a")):
        cases = [case for case in moa_cases(plates, n_folds=5, seed=3) if case.train == train]
        assert {case.test for case in cases} == {test}
        held = [name for case in cases for name in case.held_out]
        assert sorted(held) == sorted(plates.compounds.index)


def test_training_reads_no_row_of_a_held_out_compound(plates, compounds):
    for case, arm in (
        (next(iter(moa_cases(plates, n_folds=5, seed=3))), "tide"),
        (next(iter(target_cases(compounds, n_folds=5, seed=3))), "cl_r"),
    ):
        table = case.table
        ready = prepare(arm_config(arm, case.held_out, seed=3), table, expression=case.expression)
        used = np.concatenate([ready.split.training, ready.split.validation])
        names = table.metadata["Metadata_Compound"].to_numpy()
        assert not set(names[used]) & set(case.held_out)
        assert set(names[ready.split.held_out]) == set(case.held_out)
        assert ready.transcriptomes is not None


@pytest.mark.slow
def test_the_command_writes_tables_with_intervals(real, tmp_path):
    out = tmp_path / "results.json"
    chosen = ["--arm", "labels", "--arm", "cl_r", "--seeds", "0", "--folds", "2"]
    main(["--real", str(real), "--out", str(out), *chosen, "--set", "n_steps=3"])
    report = json.loads(out.read_text())
    rows = [row for benchmark in report["benchmarks"].values() for row in benchmark["rows"]]
    assert {row["arm"] for row in rows} == {"features", "labels", "cl_r"}
    for row in rows:
        scores = [row[name] for name in ("ap", "auc", "ap_gain", "auc_gain") if name in row]
        assert len(scores) == (2 if row["arm"] == "features" else 4)
        for score in scores:
            assert np.isfinite([score["value"], score["low"], score["high"]]).all()
            assert score["low"] <= score["value"] <= score["high"]
        assert 0 < row["chance_ap"] < 0.2
    text = out.with_suffix(".md").read_text()
    assert text.count("| labels |") == len([row for row in rows if row["arm"] == "labels"]) - 12
