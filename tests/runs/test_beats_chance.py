"""A training of a few minutes on a small simulated screen recognises perturbations."""

from __future__ import annotations

import pytest

from napari_tide.simulate.presets import find_preset
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings


@pytest.mark.slow
def test_tide_beats_chance_five_times_over(tmp_path, trained):
    world = tmp_path / "world"
    simulate_screen(world, SimulationSettings(find_preset("mini"), 0, is_features_only=True))
    events = trained(
        "tide_features", world / "features.parquet", tmp_path / "run", l1000=[world / "l1000.gctx"]
    )
    best = max(
        (happened for happened in events if happened["event"] == "validation"),
        key=lambda happened: happened["knn_top1"],
    )
    assert best["knn_top1"] >= 5 * best["chance_top1"], best
    assert best["n_images"] > 1000
