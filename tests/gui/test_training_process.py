"""The child process: what it says arrives, and however it ends nothing is left behind."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from napari_tide._napari.training_process import TrainingProcess, stop_elsewhere, trains_here
from napari_tide.errors import OutputWriteError
from napari_tide.viewmodels.followed_run import FollowedRun
from napari_tide.viewmodels.run_events import parse_event
from napari_tide.viewmodels.training_request import TrainingRequest

FAKE = (sys.executable, "-u", str(Path(__file__).with_name("fake_training.py")))


@pytest.fixture
def start(tmp_path):
    started = []

    def start_one(recipe, *, is_resumed=False, out=tmp_path / "run"):
        request = TrainingRequest(recipe, tmp_path, out, is_resumed=is_resumed)
        process = TrainingProcess(request, command=FAKE)
        process.start()
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()


def wait_until(is_so, *, timeout_s=20.0):
    ends = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < ends, "waited too long"
        time.sleep(0.02)


def helper_of(process):
    path = process.request.out / "helper.pid"
    wait_until(lambda: path.is_file() and path.read_text())
    return psutil.Process(int(path.read_text()))


def is_gone(helper):
    return not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE


def said(process, n_events=3):
    lines = []

    def has_spoken():
        lines.extend(process.read_lines())
        return sum(parse_event(line) is not None for line in lines) >= n_events

    wait_until(has_spoken)
    return lines


def run_out(process, lines):
    wait_until(lambda: not process.is_running)
    end = process.end()
    return [*lines, *process.read_lines()], end


def kinds(lines):
    return [event["event"] for event in map(parse_event, lines) if event is not None]


def test_events_arrive_among_noise_and_torn_lines(start):
    process = start("short")
    helper = helper_of(process)
    lines, end = run_out(process, said(process))
    assert "Downloading something: 40%" in lines
    assert kinds(lines).count("step") == 40
    assert kinds(lines)[-2:] == ["student", "done"]
    assert end.status == 0
    wait_until(lambda: is_gone(helper))


def test_stop_saves_and_ends(start):
    process = start("long")
    helper = helper_of(process)
    lines = said(process)
    process.ask_to_stop()
    lines, end = run_out(process, lines)
    assert kinds(lines)[-3:] == ["stopping", "student", "done"]
    assert (end.status, end.was_killed_here) == (0, False)
    wait_until(lambda: is_gone(helper))


def test_stop_now_ends_everything_at_once(start):
    process = start("long")
    helper = helper_of(process)
    said(process)
    begun = time.monotonic()
    process.kill()
    assert time.monotonic() - begun < 5
    assert not process.is_running
    assert process.end().was_killed_here
    wait_until(lambda: is_gone(helper), timeout_s=2)


def test_a_child_killed_from_outside_leaves_no_helper(start):
    process = start("long")
    helper = helper_of(process)
    said(process)
    psutil.Process(process.pid).kill()
    _, end = run_out(process, [])
    assert end.was_killed_here is False
    assert end.status != 0
    wait_until(lambda: is_gone(helper), timeout_s=2)


def test_a_child_that_forgot_its_helper_is_tidied_up_after(start):
    process = start("careless")
    helper = helper_of(process)
    lines = said(process)
    process.ask_to_stop()
    run_out(process, lines)
    wait_until(lambda: is_gone(helper), timeout_s=2)


def test_a_crash_leaves_its_last_words(start):
    process = start("crash")
    _, end = run_out(process, [])
    assert end.status == 1
    assert end.tail[-1] == "RuntimeError: no luck"


def test_an_earlier_childs_output_is_not_told_again(start):
    run_out(start("crash"), [])
    second = start("short", is_resumed=True)
    lines, end = run_out(second, said(second))
    assert kinds(lines).count("start") == 1
    assert kinds(lines).count("step") == 20
    assert end.tail == ()


def test_a_child_let_go_trains_on_and_can_be_followed_and_stopped(start):
    process = start("long")
    said(process)
    pid, folder = process.pid, process.request.out
    process.let_go()
    del process
    assert trains_here(pid, folder) is False  # the fake is no tide_train
    followed = FollowedRun.open(folder)
    heard = list(followed.news().events)
    assert heard
    n_before = len(heard)

    def has_heard_more():
        heard.extend(followed.news().events)
        return len(heard) > n_before + 3

    def has_ended():
        try:
            return is_gone(psutil.Process(pid))
        except psutil.NoSuchProcess:
            return True

    wait_until(has_heard_more)
    if os.name == "posix":
        stop_elsewhere(pid)
        wait_until(has_ended)


def test_a_training_here_is_known_by_its_command_line(tmp_path):
    script = "import sys, time; time.sleep(60)"
    child = psutil.Popen([sys.executable, "-c", script, "tide_train", "--out", str(tmp_path)])
    try:
        wait_until(lambda: trains_here(child.pid, tmp_path))  # until it has become what it runs
        assert not trains_here(child.pid, tmp_path / "other")
    finally:
        child.kill()
        child.wait()
    assert not trains_here(child.pid, tmp_path)
    assert not trains_here(None, tmp_path)


def test_a_folder_that_cannot_be_written_is_a_sentence(start, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match="choose another folder"):
        start("short", out=tmp_path / "file" / "run")


def test_nothing_happens_to_a_child_that_has_ended(start):
    process = start("crash")
    run_out(process, [])
    process.ask_to_stop()
    process.kill()
    assert process.end().was_killed_here is False


@pytest.mark.slow
def test_ten_starts_and_stops_leave_nothing(start, tmp_path):
    here = psutil.Process()
    n_children, n_files = len(here.children(recursive=True)), here.num_fds()
    for number in range(10):
        process = start("long", out=tmp_path / f"run{number}")
        said(process)
        if number % 2:
            process.kill()
        else:
            process.ask_to_stop()
        run_out(process, [])
    assert len(here.children(recursive=True)) == n_children
    assert here.num_fds() <= n_files + 1
