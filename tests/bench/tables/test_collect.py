"""Intervals over worlds, against scipy's own, and the reading of finished cells."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.collect import by_world, collect_scores, gain_over, over_worlds


def rows_of(arm, values, seeds=(0, 1)):
    """Two seeds a world, apart by 0.2 around the value."""
    return pd.DataFrame(
        [
            {"arm": arm, "world_seed": world, "seed": seed, "value": value + 0.2 * (seed - 0.5)}
            for world, value in enumerate(values)
            for seed in seeds
        ]
    )


def test_the_interval_is_students_over_worlds():
    values = np.random.default_rng(0).normal(0.5, 0.1, 10)
    found = over_worlds(by_world(rows_of("a", values)))
    low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert found.n_worlds == 10


def test_seeds_do_not_make_the_interval_narrower():
    values = np.random.default_rng(1).normal(0.5, 0.1, 6)
    few, many = rows_of("a", values), rows_of("a", values, seeds=(0, 1, 0, 1, 0, 1))
    assert over_worlds(by_world(few)).high == pytest.approx(over_worlds(by_world(many)).high)


def test_gains_are_paired_within_worlds():
    base = np.linspace(0.2, 0.8, 8)  # worlds differ far more than methods
    rows = pd.concat([rows_of("a", base + 0.01), rows_of("b", base)])
    gain = gain_over(rows, "a", "b")
    assert gain.mean == pytest.approx(0.01)
    assert gain.is_above_zero
    assert gain.high - gain.low < 1e-9


def test_only_shared_worlds_are_compared():
    rows = pd.concat([rows_of("a", [0.5, 0.6, 0.7]), rows_of("b", [0.5, 0.6])])
    assert gain_over(rows, "a", "b").n_worlds == 2
    assert np.isnan(gain_over(rows, "a", "nothing").mean)


def test_one_world_has_no_interval():
    found = over_worlds([0.4])
    assert found.mean == 0.4
    assert np.isnan(found.low)


def test_cells_are_read_with_where_they_lie(tmp_path):
    folder = tmp_path / "runs" / "world_000" / "labels" / "seed_0"
    folder.mkdir(parents=True)
    cell = {
        "world_seed": 0,
        "setting": "off2",
        "arm": "labels",
        "seed": 0,
        "train_s": 1.0,
        "scores": {"head": {"AP": 0.5, "AUC": 0.7}},
    }
    (folder / "scores.json").write_text(json.dumps(cell))
    found = collect_scores(tmp_path)
    assert dict(zip(found["score"], found["value"], strict=True)) == {"AP": 0.5, "AUC": 0.7}
    assert set(found["run"]) == {"runs/world_000/labels/seed_0"}


def test_nothing_finished_is_said(tmp_path):
    with pytest.raises(TrainValueError, match="holds no finished cell"):
        collect_scores(tmp_path)
