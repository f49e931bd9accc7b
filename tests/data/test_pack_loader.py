import gc
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch

from napari_tide.errors import OutOfMemoryError, PackFormatError, TrainValueError
from napari_tide.profiles.profiles import Profiles
from tide_train.data.batch_order import BatchOrder
from tide_train.data.feature_batches import FeatureBatches, load_batches
from tide_train.data.pack_config import PackConfig
from tide_train.data.pack_loader import PackLoader, to_unit_range
from tide_train.data.tile_pack import TilePack, layout_of
from tide_train.data.tile_shards import ShardWriter
from tide_train.data.training_data import TrainingTable


@pytest.fixture(params=["uint8", "uint16"])
def pack(tmp_path, request):
    """Ninety tiles of 2 x 4 x 4 pixels, all values of the type among them."""
    largest = np.iinfo(request.param).max
    tiles = np.random.default_rng(0).integers(0, largest + 1, (90, 2, 4, 4)).astype(request.param)
    tiles[0, 0, 0] = [0, 1, largest - 1, largest]
    config = PackConfig(
        screen="s", channels=("DNA", "ER"), dtype=request.param, tile_px=4, image_px=4,
        intensity={"DNA": (0, 1), "ER": (0, 1)}, intensity_percentiles=(0, 100),
        n_sites=90, n_skipped=0, n_tiles=90, tiles_per_shard=16, data_hash="0" * 64,
    )  # fmt: skip
    with ShardWriter(layout_of(tmp_path, config)) as writer:
        writer.append(tiles)
        writer.finish()
    return TilePack(tmp_path, config, pd.DataFrame({"Metadata_Site": np.arange(90)}))


def reading_threads_left():
    return [thread for thread in threading.enumerate() if thread.name.startswith("tide-pack")]


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_come_in_order_with_pixels_between_0_and_1(pack, threads):
    batches = [np.random.default_rng(i).integers(0, 90, 50) for i in range(12)]
    batches.append(np.array([0, 0, 89]))
    with PackLoader(pack, batches, threads=threads, prefetch=2) as loader:
        got = list(loader)
    assert len(got) == len(batches)
    for batch, rows in zip(got, batches, strict=True):
        np.testing.assert_array_equal(batch.rows, rows)
        assert batch.pixels_BCHW is batch.inputs
        assert batch.pixels_BCHW.dtype == torch.float32
        expected = pack.read(rows).astype(np.float64) / np.iinfo(pack.dtype).max
        np.testing.assert_allclose(batch.pixels_BCHW.numpy(), expected, atol=1e-7)
    assert got[-1].pixels_BCHW[0, 0, 0].min() == 0
    assert got[-1].pixels_BCHW[0, 0, 0].max() == 1
    assert not reading_threads_left()


def test_leaving_the_loop_ends_the_threads(pack):
    order = BatchOrder(90, 40, seed=0)
    for batch in PackLoader(pack, order.batches()):
        assert len(batch.rows) == 40
        assert reading_threads_left()
        break
    gc.collect()
    assert not reading_threads_left()
    with PackLoader(pack, order.batches()) as loader:
        iterator = iter(loader)
        next(iterator)
        assert reading_threads_left()
    assert not reading_threads_left()
    with pytest.raises(StopIteration):
        next(iterator)


def test_a_second_loop_starts_anew_and_ends_the_first(pack):
    loader = PackLoader(pack, [np.arange(5), np.arange(5, 10)])
    first = iter(loader)
    next(first)
    assert [batch.rows[0] for batch in loader] == [0, 5]
    assert next(first, None) is None


def test_an_error_in_a_thread_reaches_the_loop_in_its_turn(pack):
    (pack.folder / "tiles-00002.npy").write_bytes(b"")
    batches = [np.arange(16), np.arange(16, 32), np.arange(30, 40), np.arange(16)]
    seen = []
    with pytest.raises(PackFormatError, match=r"tiles-00002.npy is cut short"):
        seen.extend(batch.rows[0] for batch in PackLoader(pack, batches))
    assert seen == [0, 16]
    assert not reading_threads_left()
    with pytest.raises(TrainValueError, match="no tile 90"):
        list(PackLoader(pack, [np.array([90])]))


def test_memory_that_does_not_hold_a_batch_is_one_sentence(pack, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("tide_train.data.pack_loader.torch.empty", full)
    with pytest.raises(OutOfMemoryError, match="batch of 50 tiles; lower the batch size to 25"):
        next(iter(PackLoader(pack, [np.arange(50)])))


class SlowPack(TilePack):
    def read(self, rows, *, out=None):
        time.sleep(0.02)
        return super().read(rows, out=out)


def test_waiting_and_working_are_told_apart(pack):
    slow = SlowPack(pack.folder, pack.config, pack.metadata)
    batches = [np.arange(10)] * 10
    starved = PackLoader(slow, batches, threads=1)
    for _ in starved:
        pass
    assert starved.wait_s > 0.15
    assert starved.step_s < 0.1 * starved.wait_s
    assert starved.wait_share > 0.9
    busy = PackLoader(slow, batches, threads=1)
    for _ in busy:
        time.sleep(0.05)
    assert busy.step_s > 0.45
    assert busy.wait_share < 0.3
    assert busy.clock.last_wait_s < busy.clock.last_step_s


def test_reading_goes_on_while_the_loop_works(pack):
    started = []

    class Watched(TilePack):
        def read(self, rows, *, out=None):
            started.append(int(rows[0]))
            return super().read(rows, out=out)

    watched = Watched(pack.folder, pack.config, pack.metadata)
    for batch in PackLoader(watched, [np.array([i]) for i in range(20)], prefetch=4):
        deadline = time.monotonic() + 5
        expected = min(batch.rows[0] + 4, 19)
        while expected not in started and time.monotonic() < deadline:
            time.sleep(0.001)
        assert expected in started
        assert max(started) <= batch.rows[0] + 4


def test_all_16_bit_values_survive():
    every = np.arange(65536, dtype=np.uint16)
    found = to_unit_range(torch.from_numpy(every.view(np.int16)), 65535)
    np.testing.assert_allclose(found.numpy(), every / 65535, atol=1e-7)
    half = to_unit_range(torch.arange(256, dtype=torch.uint8), 255, torch.bfloat16)
    assert half.dtype == torch.bfloat16


def test_features_are_loaded_by_the_same_loop(pack):
    metadata = pd.DataFrame({"Metadata_Plate": ["P"] * 30, "Metadata_Well": ["A01"] * 30})
    values = np.random.default_rng(0).normal(size=(30, 4))
    table = TrainingTable.from_profiles(Profiles(metadata, values, tuple("abcd")))
    rows = [np.array([3, 3, 29]), np.array([0])]
    for data in (pack, table):
        loader = load_batches(data, rows)
        got = list(loader)
        assert [batch.rows.tolist() for batch in got] == [[3, 3, 29], [0]]
        for batch in got:
            expected = data.read(batch.rows)
            if data is pack:
                expected = expected / pack.max_value
            np.testing.assert_allclose(batch.inputs.numpy(), expected, atol=1e-6)
        assert loader.step_s > 0
        assert 0 <= loader.wait_share < 1
    with FeatureBatches(table, rows) as loader:
        assert len(list(loader)) == 2
