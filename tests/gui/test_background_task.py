"""Work off the GUI thread: what came of it, and whose mistake it was."""

import pytest

from napari_tide._napari.background_task import BackgroundTask
from napari_tide.errors import BundleFormatError

pytestmark = pytest.mark.gui


@pytest.fixture
def task(qtbot):
    task = BackgroundTask()
    yield task
    qtbot.waitUntil(lambda: not task.is_busy, timeout=5000)


@pytest.fixture
def told(task):
    told = []
    task.done.connect(lambda value: told.append(("done", value)))
    task.failed.connect(lambda sentence: told.append(("failed", sentence)))
    task.busy_changed.connect(lambda text: told.append(("busy", text)))
    return told


def test_a_value_comes_back(qtbot, task, told):
    task.run("adding", lambda: (1, 2))
    qtbot.waitUntil(lambda: len(told) == 3, timeout=5000)
    assert told == [("busy", "adding"), ("busy", ""), ("done", (1, 2))]


def test_a_users_mistake_is_its_own_sentence_and_no_fault_of_the_program(qtbot, task, told):
    def work():
        raise BundleFormatError("x is no bundle; choose another")

    task.run("reading", work)
    qtbot.waitUntil(lambda: len(told) == 3, timeout=5000)
    assert told[-1] == ("failed", "x is no bundle; choose another")


def test_of_two_only_the_newest_is_heard(qtbot, task, told):
    task.run("first", lambda: 1)
    task.run("second", lambda: 2)
    qtbot.waitUntil(lambda: ("done", 2) in told, timeout=5000)
    assert ("done", 1) not in told
