import json

import numpy as np
import pytest
from scipy import stats

from napari_tide.simulate.expression import simulate_expression
from napari_tide.simulate.world import make_world
from napari_tide.transcriptomes.gctx_writer import write_gctx
from tide_train.evaluate import l1000_table
from tide_train.evaluate.response_report import SCORES, ResponseReport
from tide_train.evaluate.response_seeds import Interval, interval_table, to_markdown
from tide_train.methods.expression_response import ExpressionResponseConfig


def report(ours, theirs):
    rows = {
        "scFM": dict.fromkeys(SCORES, ours),
        "control": {**dict.fromkeys(SCORES, 0.0), "pearson_change": None},
        "mean perturbation": dict.fromkeys(SCORES, theirs),
    }
    return ResponseReport(rows, 8, 1, 1, 1, best_step=3, curve=())


def test_intervals_are_students_over_seeds():
    values = [0.1, 0.4, 0.2, 0.5]
    found = Interval.of(values)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.half_width == pytest.approx((high - low) / 2)
    assert str(Interval.of([0.25])) == "0.250"


def test_gains_are_paired_by_seed():
    reports = [report(0.5, 0.4), report(0.3, 0.1), report(0.4, 0.3)]
    table = interval_table(reports)
    gain = table["scFM less mean perturbation"]["mse"]
    low, high = stats.ttest_rel([0.5, 0.3, 0.4], [0.4, 0.1, 0.3]).confidence_interval(0.95)
    assert (gain.mean - gain.half_width, gain.mean + gain.half_width) == pytest.approx((low, high))
    assert table["control"]["pearson_change"] is None
    assert "| control | 0.000 ± 0.000 | 0.000 ± 0.000 | - |" in to_markdown(reports)


def test_the_command_trains_on_a_file_and_prints_the_table(tmp_path, capsys, monkeypatch):
    table = simulate_expression(make_world(2), range(6))
    path = tmp_path / "world_level3.gctx"
    write_gctx(table.take_genes(np.arange(table.n_genes) < 40), path)
    small = ExpressionResponseConfig(width=8, n_layers=1, n_heads=1, n_steps=2, max_genes=10)
    monkeypatch.setattr(l1000_table, "ExpressionResponseConfig", lambda **_: small)
    out = tmp_path / "scores.json"
    assert l1000_table.main([str(path), "--seeds", "7-8", "--json", str(out)]) == 0
    assert capsys.readouterr().out.count("\n") == 7
    written = json.loads(out.read_text())
    assert [run["seed"] for run in written["runs"]] == [7, 8]
    assert written["summary"]["control"]["pearson_change"] is None


def test_a_missing_file_says_which_one_is_meant(tmp_path, capsys):
    assert l1000_table.main([str(tmp_path / "plate.gct.gz")]) == 2
    error = capsys.readouterr().err
    assert "plate.gct.gz is not there" in error
    assert "LJP005_A375_24H_X1_B19 of LINCS, level 3" in error
    with pytest.raises(SystemExit, match="2"):
        l1000_table.main([])
    assert "give L1000 files, or --world" in capsys.readouterr().err
