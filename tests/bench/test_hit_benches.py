from tide_train.bench.hit_speed import time_hits
from tide_train.bench.neighbour_speed import time_neighbours


def test_both_sides_find_neighbours():
    row = time_neighbours(n_queries=60, n_references=50, n_rounds=1)
    assert row.ours_s > 0
    assert row.peer_s > 0


def test_a_small_screen_is_ranked(monkeypatch):
    monkeypatch.setattr("tide_train.bench.hit_speed.N_FEATURES", 8)
    row = time_hits(n_compounds=2, n_genes=2)
    assert row.seconds > 0
    assert row.what == "one gene against 2 drugs x 8 doses, p from controls"
