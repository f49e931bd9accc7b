import numpy as np
import pytest
from sklearn.decomposition import PCA

from napari_tide.screens.well import Well
from tide_train.bench.alignment_speed import align_on_disk, pca_cs_by_scikit_learn, time_pca_cs
from tide_train.bench.cluster_scaling import time_cluster
from tide_train.bench.engine_speed import time_bf16, time_engine
from tide_train.bench.memory import MemoryRow, measure_plate_memory
from tide_train.bench.plate_of_fields import STAINS, plate_of_fields
from tide_train.peak_memory import peak_memory_bytes


@pytest.mark.slow
def test_a_plate_shares_a_few_fields(tmp_path):
    screen = plate_of_fields(tmp_path, n_wells=30, n_sites=2, n_fields=1)
    assert (screen.n_sites, screen.channel_names) == (60, list(STAINS))
    assert len(list(tmp_path.rglob("*.tiff"))) == 5
    assert not screen.missing_files()
    assert Well(1, 5).name in set(screen.sites["well"])
    assert set(screen.sites.loc[screen.sites["control"] == "negcon", "well"]) == {"A01", "B01"}


def test_both_sides_of_the_alignment_bench_do_the_same(monkeypatch):
    seen = {}

    def compare(ours, peer, **facts):
        seen[facts["peer_name"]] = (ours(), peer())
        return facts["what"]

    monkeypatch.setattr("tide_train.bench.alignment_speed.compare_speed", compare)
    time_pca_cs(n_rows=4_000, n_features=8, n_batches=2)
    ours, peer = next(pair for name, pair in seen.items() if "scikit-learn" in name)
    # the signs of principal axes are free
    signs = np.sign((ours.features * peer).sum(axis=0))
    np.testing.assert_allclose(ours.features * signs, peer, atol=2e-3)
    controls = peer[::20][:100]
    np.testing.assert_allclose(controls.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(controls.std(axis=0), 1, atol=1e-3)


def test_the_peer_is_the_formula():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 4)).astype(np.float32)
    batches = np.array(["a"] * 30 + ["b"] * 30, dtype=object)
    is_control = np.arange(60) % 3 == 0
    found = pca_cs_by_scikit_learn(rows, batches, is_control)
    rotated = PCA().fit(rows[is_control]).transform(rows)
    for batch in "ab":
        here = batches == batch
        own = rotated[here & is_control]
        expected = (rotated[here] - own.mean(axis=0)) / own.std(axis=0)
        np.testing.assert_allclose(found[here], expected, atol=1e-5)


def test_a_table_on_disk_is_aligned_and_measured():
    row = align_on_disk(n_rows=3_000, n_features=8, n_batches=1)
    assert "3,000 x 8" in row.what
    assert 50e6 < row.peak_bytes <= peak_memory_bytes()
    assert row.seconds > 0
    assert not MemoryRow("w", 5 * 1024**3, 1.0).is_met


@pytest.mark.slow
def test_engine_memory_and_cluster_benches_run():
    rows = time_engine(size="tiny", n_sites=2, tile_sizes=(540,), n_rounds=1)
    assert "2 sites" in rows[0].what
    assert 0.1 < rows[0].ratio < 50
    assert "bf16" in time_bf16(size="tiny", n_rounds=1).what
    memory = measure_plate_memory(n_wells=2, n_sites=1, n_fields=1)
    assert 100e6 < memory.peak_bytes < memory.goal_bytes
    assert time_cluster(n_sites=4).ratio > 0
