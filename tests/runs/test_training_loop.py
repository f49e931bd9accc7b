"""Splitting a batch, running out of memory, compiling: the same curve, or a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_tide.errors import OutOfMemoryError
from tide_train.methods.labels import Labels
from tide_train.run_folder import RunFolder

STILL = [
    "augmentation.turns=false",
    "augmentation.gain=[1,1]",
    "augmentation.background=0",
    "augmentation.contrast=[1,1]",
    "augmentation.blur_share=0",
]
SHORT = ["n_steps=6", "log_every=1", "validation.n_times=1"]


def test_a_batch_in_two_parts_gives_the_curve_of_one(sample_pack, tmp_path, trained, curve):
    # every tile has a drug, so the mean over both halves is the mean over the batch
    whole, parts = (
        curve(
            trained(
                "debug_labels",
                sample_pack,
                tmp_path / str(n_parts),
                settings=[*STILL, *SHORT, f"accumulation={n_parts}", 'data.leave_out=["DMSO",""]'],
            )
        )
        for n_parts in (1, 2)
    )
    assert len(whole) == 6
    np.testing.assert_allclose(parts, whole, rtol=1e-4)


def test_running_out_of_device_memory_names_a_smaller_batch(
    sample_pack, tmp_path, trained, monkeypatch
):
    def forward(self, batch):
        message = (
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of ..."
        )
        raise torch.OutOfMemoryError(message)

    monkeypatch.setattr(Labels, "forward", forward)
    events = []
    with pytest.raises(
        OutOfMemoryError,
        match=r"a batch of 16 does not fit cpu; lower batch size to 8 \(--set batch_size=8\), or "
        r"split it \(--set accumulation=2\)",
    ):
        events += trained("debug_labels", sample_pack, tmp_path / "run")
    assert "lower batch size to 8" in (tmp_path / "run" / "log.txt").read_text()


def test_one_process_where_several_were_asked_for_is_told(
    sample_pack, tmp_path, trained, monkeypatch
):
    # what accelerate launch --cpu --num_processes 2 sets where there is no MPI
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    events = trained("debug_labels", sample_pack, tmp_path / "run", settings=["n_steps=2"])
    said = [happened["message"] for happened in events if happened["event"] == "warning"]
    assert any("so this is one" in message for message in said)


@pytest.mark.slow
def test_a_compiled_encoder_follows_the_same_curve(sample_pack, tmp_path, trained, curve):
    plain, compiled = (
        curve(
            trained(
                "debug_labels",
                sample_pack,
                tmp_path / value,
                settings=["n_steps=3", "log_every=1", f"compile={value}"],
            )
        )
        for value in ("false", "true")
    )
    np.testing.assert_allclose(compiled, plain, rtol=1e-3)


@pytest.mark.slow
def test_accelerate_launch_trains_on_two_processes(sample_pack, sample_l1000, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    command += ["--num_processes", "2", "--main_process_port", "0"]
    command += ["-m", "tide_train", "debug_tide"]
    command += ["--data", str(sample_pack), "--l1000", str(sample_l1000), "--out", str(out)]
    command += ["--set", "n_steps=4", "--set", "validation.n_times=1"]
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [happened["event"] for happened in said].count("done") == 1  # one process speaks
    assert RunFolder(out).environment()["n_processes"] == 2
    assert (out / "student" / "model.safetensors").is_file()
