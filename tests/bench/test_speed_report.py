import json

import pytest

from napari_tide.errors import BenchValueError
from tide_train.bench import speed
from tide_train.bench.speed_row import SpeedRow, TimeRow


@pytest.fixture
def quick(monkeypatch):
    rows = [
        SpeedRow("cutting", 1.2, "a peer", 1.0, 1.2, 1.3, (1.1, 1.4)),
        TimeRow("rendering", 0.2, 0.15),
    ]
    monkeypatch.setattr(speed, "BENCHES", {"one": lambda: rows[:1], "two": lambda: rows[1:]})
    monkeypatch.setattr(speed, "BENCHES_BY_NAME", {})


def test_the_table_says_which_goals_are_met(quick):
    table = speed.measure_speed().to_markdown()
    assert "| cutting | 1.20 s | 1.00 s: a peer | 1.20 (1.10 to 1.40) | 1.3 | yes |" in table
    assert "| rendering | 200 ms | | | 150 ms | no |" in table


def test_single_measurements_run_by_name_in_the_order_asked_for(quick):
    asked = []
    report = speed.measure_speed(["two", "one"], announce=asked.append)
    assert asked == ["two", "one"]
    assert [row["is_met"] for row in json.loads(report.to_json())["rows"]] == [False, True]


def test_an_unknown_measurement_is_refused(quick):
    with pytest.raises(BenchValueError, match=r"no measurement 'three'. Available: \['one'"):
        speed.measure_speed(["three"])
