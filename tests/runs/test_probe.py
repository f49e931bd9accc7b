"""A probe says what a training takes, from a few of its steps, and leaves nothing behind."""

import contextlib
import dataclasses
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

import pandas as pd
import pytest
import torch

from napari_tide.errors import TrainValueError
from tide_train import probe as probing
from tide_train import probe_steps
from tide_train.data.tile_pack import open_pack
from tide_train.estimate import Estimate, in_words
from tide_train.overrides import with_overrides
from tide_train.probe import probe
from tide_train.probe_data import StandInPack, probe_data
from tide_train.probe_steps import Cost, batch_sizes, extrapolated
from tide_train.recipes.registry import find_recipe
from tide_train.run import RunRequest

SMALL_TILES = ("encoder.image_px=32", "data.tile_px=112")
GB = 10**9
_LOG = logging.getLogger(__name__)


@pytest.fixture
def hurried(monkeypatch):
    """A probe that takes as few steps as it can."""
    monkeypatch.setattr(probe_steps, "_EACH_S", 0.0)
    monkeypatch.setattr(probing, "_ADAPTER_S", 0.05)
    monkeypatch.setattr(probing, "_JUDGED_ON_CPU", 4)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The only place temporary files may lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def estimate(**changes):
    known = Estimate(
        device="CPU",
        n_steps=1000,
        batch_size=64,
        step_s=2.0,
        startup_s=10.0,
        packing_s=100.0,
        scfm_s=40.0,
        validation_s=250.0,
        memory_bytes=3_100_000_000,
        free_bytes=20 * GB,
    )
    return dataclasses.replace(known, **changes)


def test_an_estimate_is_said_in_words():
    assert estimate().seconds == 10 + 100 + 40 + 2000 + 250
    assert estimate().describe() == "about 40 minutes and 3.1 GB on CPU"
    told = estimate(device="NVIDIA H200", device_memory_bytes=34 * GB, step_s=0.01).describe()
    assert told == "about 7 minutes and 34 GB of GPU memory on NVIDIA H200"
    assert estimate().details() == "1,000 steps 33 minutes; validation 4 minutes; 32 images/s"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"),
        (50, "50 seconds"),
        (150, "2 minutes"),
        (5000, "83 minutes"),
        (12_000, "3 hours 20 minutes"),
        (7170, "2 hours"),
        (90_000, "25 hours"),
        (400_000, "5 days"),
    ],
)
def test_times_are_said_as_people_do(seconds, said):
    assert in_words(seconds) == said


def test_memory_that_is_not_there_is_told_with_the_way_out():
    assert estimate().advice() == ""
    told = estimate(memory_bytes=40 * GB).advice()
    assert told.startswith(
        "40 GB are more than the 20 GB that are free; lower the batch size to 16"
    )
    on_gpu = estimate(device_memory_bytes=30 * GB, free_bytes=80 * GB, memory_bytes=90 * GB)
    assert on_gpu.advice() == ""
    assert estimate(memory_bytes=40 * GB, free_bytes=0).advice() == ""


def test_cost_of_a_larger_batch_follows_a_straight_line():
    costs = [Cost(8, 1.2, 5.0, 2 * GB), Cost(16, 2.2, 2.5, 3 * GB)]
    expected = extrapolated(costs, 256)
    assert expected.step_s == pytest.approx(0.2 + 256 / 8)
    assert expected.memory_bytes == 33 * GB
    assert extrapolated(costs, 16) is costs[1]
    noisy = [Cost(8, 1.0, 1.0, GB), Cost(16, 0.9, 1.0, GB)]
    assert extrapolated(noisy, 64).step_s == pytest.approx(0.9 * 4 / 2)


def test_batches_grow_on_a_computer_and_are_whole_on_a_gpu():
    assert list(batch_sizes(64, torch.device("cpu"))) == [8, 16, 32, 64]
    assert list(batch_sizes(20, torch.device("cpu"))) == [8, 16, 20]
    assert list(batch_sizes(4, torch.device("cpu"))) == [4]
    assert list(batch_sizes(256, torch.device("cuda"))) == [256]


def test_a_batch_that_memory_would_not_hold_is_never_tried(monkeypatch):
    tried = []

    def measured(_loop, _trained, size):
        tried.append(size)
        return Cost(size, 0.001, 0.001, size * GB)

    loop = SimpleNamespace(
        accelerator=SimpleNamespace(prepare_model=lambda method: method),
        method=SimpleNamespace(train=lambda: None),
        saying_what_to_do_without_memory=contextlib.nullcontext,
    )
    monkeypatch.setattr(probe_steps, "_measured", measured)
    monkeypatch.setattr(probe_steps, "free_memory_bytes", lambda: 100 * GB)
    monkeypatch.setattr(probe_steps, "peak_memory_bytes", lambda: 0)
    costs = probe_steps.cost_of_batches(loop, batch_sizes(256, torch.device("cpu")))
    assert tried == [8, 16, 32]
    assert extrapolated(costs, 256).memory_bytes == 256 * GB


def test_rows_of_a_screen_are_those_of_its_pack(sample_pack, repository, tmp_path):
    config = with_overrides(find_recipe("debug_labels"), SMALL_TILES)
    found = probe_data(
        repository / "sample_data" / "screen.parquet",
        tmp_path / "pack",
        config,
        allow_outside=False,
    )
    whole = open_pack(sample_pack).metadata.drop(columns="Metadata_QC")
    assert isinstance(found.data, StandInPack)
    assert found.data.config.n_tiles == 16  # of 384: four fields were cut
    pd.testing.assert_frame_equal(found.data.metadata.drop(columns="Metadata_QC"), whole)
    assert found.data.read([383, 15]).tolist() == found.data.read([15, 15]).tolist()
    assert found.packing_s > found.spent_s > 0


@pytest.mark.parametrize("recipe", ["debug_tide", "debug_dino"])
def test_a_probe_takes_a_few_steps_and_writes_nothing(
    sample_pack, sample_l1000, hurried, temporary, tmp_path, recipe
):
    config = with_overrides(find_recipe(recipe), ["batch_size=10", "accumulation=2"])
    request = RunRequest(config, sample_pack, tmp_path / "run", (sample_l1000,))
    found = probe(request)
    assert found.n_steps == 40
    assert found.batch_size == 10
    assert found.seconds > found.training_s > 0
    assert found.validation_s > 0
    assert found.memory_bytes > 100e6
    assert not (tmp_path / "run").exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("recipe", "n_steps", "settings"),
    [("debug_tide_features", 40, []), ("debug_semi_clipped", 60, ["method.corrections=none"])],
)
def test_tables_of_profiles_are_probed_too(
    sample_profiles, sample_l1000, hurried, tmp_path, recipe, n_steps, settings
):
    config = with_overrides(find_recipe(recipe), ["batch_size=8", *settings])
    found = probe(RunRequest(config, sample_profiles, tmp_path / "run", (sample_l1000,)))
    assert found.n_steps == n_steps
    assert found.packing_s == 0
    assert found.seconds > found.training_s > 0
    assert found.validation_s > 0
    assert not (tmp_path / "run").exists()


def test_a_probe_refuses_what_a_training_refuses(sample_pack, tmp_path, hurried):
    config = find_recipe("debug_tide")
    with pytest.raises(TrainValueError, match="give a GCT or GCTX file"):
        probe(RunRequest(config, sample_pack, tmp_path / "run"))
    tables = find_recipe("debug_tide_features")
    with pytest.raises(TrainValueError, match="reads tables of profiles"):
        probe(RunRequest(tables, sample_pack, tmp_path / "run"))


def run_command(out, *arguments):
    """Run the trainer as the dock does; give its events and seconds."""
    command = [sys.executable, "-m", "tide_train", *map(str, arguments)]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, cwd=out, check=False)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], seconds


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("debug_tide", [*SMALL_TILES, "n_steps=150"]),
        ("debug_labels", [*SMALL_TILES, "n_steps=1000", "batch_size=32"]),
        ("debug_tide", [*SMALL_TILES, "rna.scfm=small", "rna.scfm_steps=150", "n_steps=60"]),
    ],
)
def test_the_estimate_is_within_a_factor_of_two(
    repository, sample_l1000, tmp_path, recipe, settings
):
    what = [recipe, "--data", repository / "sample_data" / "screen.parquet"]
    what += ["--l1000", sample_l1000, *(w for one in settings for w in ("--set", one))]
    said, _ = run_command(tmp_path, *what, "--probe")
    assert [happened["event"] for happened in said] == ["estimate"]
    assert os.listdir(tmp_path) == []
    _, took_s = run_command(tmp_path, *what, "--out", tmp_path / "run")
    _LOG.info("%s: %s; took %.0f s", recipe, said[0]["text"], took_s)
    assert took_s / 2 < said[0]["seconds"] < took_s * 2
