"""Work that is still under way when napari, or a script that opened it, ends."""

import os
import subprocess
import sys
import threading

import pytest
from superqt.utils import WorkerBase

from napari_tide._napari.background_worker import WorkerBackground
from napari_tide._napari.exit_guard import end_workers
from napari_tide.viewmodels.background import CancelToken

pytestmark = pytest.mark.gui

ENDS_AT_WORK = """
import threading, time
from napari.components import ViewerModel
from napari.qt import get_qapp
from napari.qt.threading import create_worker
from napari_tide._napari.viewer_desk import desk_of
from napari_tide.viewmodels.background import CancelToken, ignore_step

app, begun = get_qapp(), threading.Event()

def in_steps():
    while True:
        begun.set()
        time.sleep(0.02)
        yield

def at_once():
    time.sleep(1)

desk = desk_of(ViewerModel())
desk.background.start(
    in_steps, on_step=ignore_step, on_done=print, on_failed=print, token=CancelToken()
)
worker = create_worker(at_once)
begun.wait(20)
print("ending")
"""


def test_every_thread_is_over_once_the_process_goes_on_to_end(qtbot):
    background, steps, over = WorkerBackground(lambda: True), [], threading.Event()

    def work():
        try:
            while True:
                over.wait(0.005)
                yield 1
        finally:
            over.set()

    def ignore(outcome):
        del outcome

    background.start(
        work, on_step=steps.append, on_done=ignore, on_failed=steps.append, token=CancelToken()
    )
    qtbot.waitUntil(lambda: len(steps) > 2, timeout=10_000)
    end_workers()
    assert not any(worker.is_running for worker in WorkerBase._worker_set)
    qtbot.waitUntil(lambda: not background.is_busy, timeout=10_000)
    assert over.is_set()
    assert set(steps) == {1}


@pytest.mark.slow  # a process that imports napari
def test_a_script_that_ends_at_work_says_nothing():
    done = subprocess.run(
        [sys.executable, "-c", ENDS_AT_WORK],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "ending\n")
    assert "deleted" not in done.stderr, done.stderr
    assert "RuntimeError" not in done.stderr, done.stderr
