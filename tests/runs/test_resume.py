"""An interrupted run goes on where it stood, bit for bit, whatever interrupted it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_tide.errors import CheckpointFormatError, RunFormatError
from tide_train.checkpoint import latest_checkpoint
from tide_train.run_folder import RunFolder


def weights(folder):
    return latest_checkpoint(folder / "checkpoints").method


def points(folder):
    return [
        {key: value for key, value in point.items() if key in ("step", "loss", "lr", "knn_top1")}
        for point in RunFolder(folder).metrics()
    ]


@pytest.mark.parametrize(
    "name", ["debug_tide", pytest.param("debug_cl_r_dino", marks=pytest.mark.slow)]
)
def test_stopping_and_going_on_gives_the_weights_of_an_unbroken_run(
    name, sample_pack, sample_l1000, tmp_path, trained
):
    more = {"l1000": [sample_l1000], "settings": ["n_steps=12", "checkpoint_every=100"]}
    trained(name, sample_pack, tmp_path / "whole", **more)
    stopped = trained(name, sample_pack, tmp_path / "broken", stop_at=6, **more)
    assert {"event": "stopping", "step": 6, "n_steps": 12} in stopped
    assert (tmp_path / "broken" / "student" / "model.safetensors").is_file()
    trained(name, sample_pack, tmp_path / "broken", is_resumed=True, **more)
    assert points(tmp_path / "broken") == points(tmp_path / "whole")
    whole, broken = weights(tmp_path / "whole"), weights(tmp_path / "broken")
    assert whole.keys() == broken.keys()
    for key, value in whole.items():
        assert torch.equal(value, broken[key]), key


@pytest.fixture
def one_thread(monkeypatch):
    """Sums are rounded by how many threads share them; here and in a child let it be one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_at_any_moment_continues_the_same_curve(
    sample_pack, sample_l1000, tmp_path, trained
):
    settings = ["n_steps=16", "checkpoint_every=3", "log_every=1"]
    more = {"l1000": [sample_l1000], "settings": settings}
    trained("debug_tide", sample_pack, tmp_path / "whole", **more)
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "tide_train", "debug_tide", "--data", str(sample_pack)]
    command += ["--l1000", str(sample_l1000), "--out", str(out)]
    command += [part for setting in settings for part in ("--set", setting)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if line.startswith("{") and json.loads(line).get("step") == 8:
                os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"event": "step", "step": 9, "lo')  # a line torn by the kill
    trained("debug_tide", sample_pack, out, is_resumed=True, **more)
    assert points(out) == points(tmp_path / "whole")
    for key, value in weights(tmp_path / "whole").items():
        assert torch.equal(value, weights(out)[key]), key


def test_stop_on_stdin_saves_and_ends_well(sample_pack, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-u", "-m", "tide_train", "debug_labels"]
    command += ["--data", str(sample_pack), "--out", str(out)]
    command += ["--set", "n_steps=100000", "--set", "validation.n_times=1"]
    kinds = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        for line in child.stdout:
            happened = json.loads(line)
            kinds.append(happened["event"])
            if kinds.count("step") == 3 and kinds[-1] == "step":
                child.stdin.write("please\nstop\n")
                child.stdin.flush()
    assert child.returncode == 0
    assert kinds[-1] == "done"
    assert "stopping" in kinds
    assert (out / "student" / "README.md").is_file()


def test_going_on_with_other_settings_or_other_data_is_refused(sample_pack, tmp_path, trained):
    out = tmp_path / "run"
    trained("debug_labels", sample_pack, out, settings=["n_steps=4"])
    with pytest.raises(RunFormatError, match="other settings \\(batch_size\\)"):
        trained(
            "debug_labels",
            sample_pack,
            out,
            settings=["n_steps=4", "batch_size=8"],
            is_resumed=True,
        )
    environment = json.loads((out / "environment.json").read_text())
    (out / "environment.json").write_text(json.dumps({**environment, "data_hash": "0" * 64}))
    with pytest.raises(RunFormatError, match="other data"):
        trained("debug_labels", sample_pack, out, settings=["n_steps=4"], is_resumed=True)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(sample_pack, tmp_path, trained):
    out = tmp_path / "run"
    settings = ["n_steps=6", "checkpoint_every=3"]
    trained("debug_labels", sample_pack, out, settings=settings)
    newest = out / "checkpoints" / "step_00000006.pt"
    newest.write_bytes(newest.read_bytes()[:1000])
    assert latest_checkpoint(out / "checkpoints").n_steps == 3
    (out / "checkpoints" / "step_00000003.pt").write_bytes(b"nothing")
    with pytest.raises(CheckpointFormatError, match="none of the checkpoints"):
        latest_checkpoint(out / "checkpoints")


def test_a_run_is_the_same_twice_and_another_with_another_seed(
    sample_pack, tmp_path, trained, curve
):
    curves = [
        curve(trained("debug_labels", sample_pack, tmp_path / f"{n}", settings=settings))
        for n, settings in enumerate([["n_steps=6"], ["n_steps=6"], ["n_steps=6", "seed=1"]])
    ]
    assert curves[0] == curves[1]
    assert not np.allclose(curves[0], curves[2])
