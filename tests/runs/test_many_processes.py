"""Two processes train as one with the same global batch."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from tide_train.checkpoint import latest_checkpoint
from tide_train.run_folder import RunFolder

SETTINGS = [
    "n_steps=6",
    "log_every=1",
    "validation.n_times=1",
    "checkpoint_every=6",
    "method.teacher.dropout=0",  # dropout is drawn by each process for itself
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(arguments, *, n_processes):
    """Start processes as `accelerate launch` does on CPUs, and wait for all of them."""
    port = str(free_port())
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    shared |= {"WORLD_SIZE": str(n_processes), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tide_train", *arguments],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(n_processes)
    ]
    outputs = [child.communicate(timeout=300) for child in running]
    assert [child.returncode for child in running] == [0] * n_processes, outputs
    return [out for out, _ in outputs]


@pytest.mark.parametrize("name", ["debug_tide", pytest.param("debug_cl_r", marks=pytest.mark.slow)])
def test_two_processes_follow_the_curve_of_one(name, sample_pack, sample_l1000, tmp_path, trained):
    settings = SETTINGS if name == "debug_tide" else SETTINGS[:-1]
    more = {"l1000": [sample_l1000], "settings": settings}
    trained(name, sample_pack, tmp_path / "one", **more)
    arguments = [name, "--data", str(sample_pack), "--out", str(tmp_path / "two")]
    arguments += ["--l1000", str(sample_l1000)]
    arguments += [part for setting in settings for part in ("--set", setting)]
    said = launch(arguments, n_processes=2)
    assert said[1] == ""  # one process speaks
    assert json.loads(said[0].splitlines()[-1])["event"] == "done"
    one, two = (
        [point["loss"] for point in RunFolder(tmp_path / where).metrics() if "lr" in point]
        for where in ("one", "two")
    )
    np.testing.assert_allclose(two, one, rtol=2e-4)
    whole, shared = (
        latest_checkpoint(tmp_path / where / "checkpoints").method for where in ("one", "two")
    )
    # AdamW turns the last bits of a gradient into steps of its own size, so weights agree closely
    apart, length = (
        torch.sqrt(sum((value.double() ** 2).sum() for value in values))
        for values in ([shared[k] - v for k, v in whole.items()], whole.values())
    )
    assert apart < 2e-3 * length


def test_a_batch_that_processes_cannot_share_is_refused(sample_pack, tmp_path):
    arguments = ["debug_labels", "--data", str(sample_pack), "--out", str(tmp_path / "run")]
    arguments += ["--set", "batch_size=15"]
    with pytest.raises(AssertionError, match="multiple of their number"):
        launch(arguments, n_processes=2)
