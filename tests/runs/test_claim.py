"""A claim keeps others out for as long as its owner lives, and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_tide.errors import OutputWriteError
from tide_train.claim import claim, give_up

HOLD = """
import sys, time
from pathlib import Path
from tide_train.claim import claim
with claim(Path(sys.argv[1]), is_waiting=False) as is_mine:
    print(is_mine, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_owner(tmp_path):
    """Another process that holds the claim ``cell.claim``."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "cell.claim")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().strip() == "True"
        yield process
        process.kill()


def test_a_claim_of_a_living_process_is_respected_and_a_killed_ones_is_not(tmp_path, other_owner):
    path = tmp_path / "cell.claim"
    with claim(path, is_waiting=False) as is_mine:
        assert not is_mine
    os.kill(other_owner.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    with claim(path, is_waiting=True) as is_mine:
        assert is_mine


def test_a_claim_is_given_back_and_its_file_can_go(tmp_path):
    path = tmp_path / "runs" / "cell.claim"
    for _ in range(2):
        with claim(path, is_waiting=False) as is_mine:
            assert is_mine
            with claim(path, is_waiting=False) as is_mine_twice:
                assert not is_mine_twice
    give_up(path)
    give_up(path)
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputWriteError, match=r"cannot write .*cell\.claim"),
        claim(tmp_path / "file" / "cell.claim", is_waiting=False),
    ):
        pass
