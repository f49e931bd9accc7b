"""The Train dock in a real viewer with the real training: everything a user would click."""

import os
import threading
import time

import numpy as np
import psutil
import pytest
from qtpy.QtWidgets import QPushButton

from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.closing_guard import ClosingGuard
from napari_tide.screens.open_screen import open_screen
from napari_tide.screens.sample_data import sample_folder
from tide_train.recipes.registry import find_recipe
from tide_train.run_folder import RunFolder

pytestmark = [pytest.mark.gui, pytest.mark.slow]

SMALL = {"encoder.image_px": "32", "data.tile_px": "112", "checkpoint_every": "10"}
DRUG = "FPS-ZM1"  # of the screen, and known to the bundled student too
WAIT_MS = 180_000


@pytest.fixture(autouse=True)
def children_find_the_code(monkeypatch, repository):
    monkeypatch.setenv("PYTHONPATH", f"{repository / 'src'}:{repository / 'train'}")


@pytest.fixture
def docked(make_napari_viewer, qtbot):
    """Gives a viewer with its Train dock, once recipes are there."""
    opened = []

    def open_one():
        viewer = make_napari_viewer()
        dock = viewer.window.add_plugin_dock_widget("napari-tide", "Train")[1]
        driver = desk_of(viewer).training
        opened.append(driver)
        driver.open()  # an unseen window shows no dock
        ClosingGuard.watch(dock, driver)
        setup = driver.viewmodel.setup
        qtbot.waitUntil(lambda: setup.catalogue is not None, timeout=WAIT_MS)
        return viewer, dock, driver

    yield open_one
    for driver in opened:
        driver.stop_now()
        driver.close()


@pytest.fixture
def ready(docked, qtbot, tmp_path):
    """A viewer with the sample screen open and a small TIDE recipe filled in."""
    viewer, dock, driver = docked()
    viewmodel, setup = driver.viewmodel, driver.viewmodel.setup
    click(dock, "Open sample plate")
    qtbot.waitUntil(lambda: viewmodel.state == "ready", timeout=WAIT_MS)
    setup.choose_recipe("debug_tide")
    setup.choose_device("cpu")
    setup.choose_out(tmp_path / "run")
    for key, text in SMALL.items():
        setup.set_text(key, text)
    assert setup.blockers() == []
    return viewer, dock, driver


def click(dock, text):
    button = next(b for b in dock.findChildren(QPushButton) if b.text() == text)
    assert button.isEnabled()
    assert not button.isHidden()
    button.click()


def drawn_steps(dock):
    return dock.run.curves.losses.value().get("loss", ([], []))[0]


def family(pid):
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def is_gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def overlay_of(viewer):
    found = [layer for layer in viewer.layers if "napari_tide_overlay" in layer.metadata]
    return found[0].data.copy() if found and np.isfinite(found[0].data).any() else None


def test_from_the_sample_screen_to_a_new_overlay(ready, qtbot, tmp_path):
    viewer, dock, driver = ready
    viewmodel, session = driver.viewmodel, desk_of(viewer).session
    plate = viewer.window.add_plugin_dock_widget("napari-tide", "Plate")[1]
    session.choose_student(sample_folder() / "student")
    qtbot.waitUntil(lambda: desk_of(viewer).looking.choice.is_ready, timeout=WAIT_MS)
    session.choose_drug(DRUG)
    session.choose_overlay("tile")
    qtbot.waitUntil(lambda: overlay_of(viewer) is not None, timeout=WAIT_MS)
    before = overlay_of(viewer)

    click(dock, "Start")
    qtbot.waitUntil(lambda: len(drawn_steps(dock)) > 3, timeout=WAIT_MS)
    n_drawn = len(drawn_steps(dock))
    qtbot.waitUntil(lambda: len(drawn_steps(dock)) > n_drawn, timeout=WAIT_MS)
    processes = family(driver._process.pid)
    click(dock, "Stop and save")
    qtbot.waitUntil(lambda: viewmodel.state == "done", timeout=WAIT_MS)
    assert "stopped and saved" in dock.run.status_text()
    assert all(map(is_gone, processes))
    assert 0 < viewmodel.run.progress.done < 40
    click(dock, "Resume")
    qtbot.waitUntil(lambda: viewmodel.state in ("done", "failed"), timeout=WAIT_MS)
    assert viewmodel.run.problem == ""
    assert dock.run.status_text() == "done after 40 steps"
    assert drawn_steps(dock) == sorted(set(drawn_steps(dock)))
    assert drawn_steps(dock)[-1] == 40

    click(dock, "Use this student")
    assert session.student == tmp_path / "run" / "student"
    choice = desk_of(viewer).looking.choice
    qtbot.waitUntil(lambda: choice.bundle.folder == session.student, timeout=WAIT_MS)
    session.choose_drug(DRUG)
    qtbot.waitUntil(
        lambda: (seen := overlay_of(viewer)) is not None and not np.allclose(seen, before),
        timeout=WAIT_MS,
    )
    assert overlay_of(viewer).shape == before.shape
    assert plate.student is not None
    assert "debug_tide" in dock.run._card.toPlainText()


def test_the_run_is_the_form(ready, qtbot, tmp_path):
    _, dock, driver = ready
    setup = driver.viewmodel.setup
    setup.set_text("n_steps", "4")
    setup.set_text("card.license", "cc0-1.0")
    click(dock, "Estimate time and memory")
    qtbot.waitUntil(lambda: not driver.viewmodel.estimate.is_running, timeout=WAIT_MS)
    assert " GB on CPU" in driver.viewmodel.estimate.text
    assert not (tmp_path / "run").exists()
    command = driver.command_to_copy()
    assert "--set card.license=cc0-1.0" in command
    click(dock, "Start")
    qtbot.waitUntil(lambda: driver.viewmodel.state in ("done", "failed"), timeout=WAIT_MS)
    assert driver.viewmodel.run.problem == ""
    written = RunFolder(tmp_path / "run").config()
    changed = {setting.partition("=")[0] for setting in setup.settings}
    assert changed == {*SMALL, "n_steps", "card.license"}
    assert (written.n_steps, written.card.license, written.encoder.image_px) == (4, "cc0-1.0", 32)
    assert written.method == find_recipe("debug_tide").method
    assert "license: cc0-1.0" in (tmp_path / "run" / "student" / "README.md").read_text()


def test_a_killed_child_is_told_with_its_last_lines(ready, qtbot):
    _, dock, driver = ready
    driver.viewmodel.setup.set_text("n_steps", "4000")
    click(dock, "Start")
    qtbot.waitUntil(lambda: len(drawn_steps(dock)) > 3, timeout=WAIT_MS)
    processes = family(driver._process.pid)
    processes[0].kill()
    qtbot.waitUntil(lambda: driver.viewmodel.state == "failed", timeout=WAIT_MS)
    assert "signal 9" in dock.status.value()
    assert "Resume goes on from the last checkpoint" in dock.status.value()
    assert "debug_tide started" in dock.run.log_text()
    assert all(map(is_gone, processes))
    click(dock, "Resume")
    qtbot.waitUntil(lambda: driver.viewmodel.state == "running", timeout=WAIT_MS)
    n_drawn = len(drawn_steps(dock))
    qtbot.waitUntil(lambda: len(drawn_steps(dock)) > n_drawn, timeout=WAIT_MS)
    resumed = family(driver._process.pid)
    click(dock, "Stop now")
    assert driver.viewmodel.state == "done"
    assert all(map(is_gone, resumed))


def test_napari_is_closed_during_a_training_and_another_goes_on_watching(
    ready, docked, qtbot, monkeypatch, tmp_path
):
    viewer, dock, driver = ready
    driver.viewmodel.setup.set_text("n_steps", "4000")
    click(dock, "Start")
    qtbot.waitUntil(lambda: len(drawn_steps(dock)) > 3, timeout=WAIT_MS)
    child = psutil.Process(driver._process.pid)
    monkeypatch.setattr(ClosingGuard, "ask", lambda _self: "keep")
    viewer.close()
    assert child.is_running()
    _, again, other = docked()
    other.attach(tmp_path / "run")
    n_drawn = len(drawn_steps(again))
    assert n_drawn > 3
    qtbot.waitUntil(lambda: len(drawn_steps(again)) > n_drawn, timeout=WAIT_MS)
    click(again, "Stop and save")
    qtbot.waitUntil(lambda: other.viewmodel.state == "done", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: is_gone(child), timeout=WAIT_MS)
    assert other.viewmodel.run.student is not None
    click(again, "Resume")
    qtbot.waitUntil(lambda: len(drawn_steps(again)) > n_drawn + 1, timeout=WAIT_MS)
    click(again, "Stop now")


def test_ten_real_starts_and_stops_leave_nothing(ready, qtbot, tmp_path):
    _, dock, driver = ready
    setup, viewmodel = driver.viewmodel.setup, driver.viewmodel
    setup.choose_recipe("debug_labels")
    for key, text in {**SMALL, "n_steps": "4000", "data.n_validation": "1"}.items():
        setup.set_text(key, text)
    setup.set_text("validation.n_times", "1")
    here = psutil.Process()
    counts = []
    for number in range(10):
        setup.choose_out(tmp_path / f"run{number}")
        click(dock, "Start")
        qtbot.waitUntil(lambda: len(drawn_steps(dock)) > 0, timeout=WAIT_MS)
        processes = family(driver._process.pid)
        click(dock, "Stop now" if number % 2 else "Stop and save")
        qtbot.waitUntil(lambda: viewmodel.state == "done", timeout=WAIT_MS)
        assert all(map(is_gone, processes))
        click(dock, "New training")
        n_files = here.num_fds() if os.name == "posix" else 0
        n_children = len(here.children(recursive=True))
        counts.append((n_children, threading.active_count(), n_files))
        time.sleep(0.1)
    assert counts[-1][0] <= counts[0][0]
    assert counts[-1][1] <= counts[0][1]
    assert counts[-1][2] <= counts[0][2] + 1


def test_profiles_are_trained_on_from_the_dock(docked, qtbot, tmp_path):
    from napari_tide.profiles.profiles import Profiles, embedding_names
    from napari_tide.profiles.site_metadata import metadata_of_sites
    from napari_tide.profiles.store import write_profiles

    metadata = metadata_of_sites(open_screen(sample_folder()).sites)
    random = np.random.default_rng(3)
    features = random.normal(size=(len(metadata), 24)).astype(np.float32)
    table = tmp_path / "profiles.parquet"
    write_profiles(Profiles(metadata, features, embedding_names(24), "site"), table)
    _, dock, driver = docked()
    viewmodel, setup = driver.viewmodel, driver.viewmodel.setup
    setup.choose_data(table)
    setup.choose_l1000([sample_folder() / "l1000.gctx"])
    qtbot.waitUntil(lambda: viewmodel.state == "ready", timeout=WAIT_MS)
    assert setup.check.headline.startswith("96 profiles, 24 features, 1 plate")
    assert setup.recipe.name == "tide_features"
    setup.choose_device("cpu")
    setup.choose_out(tmp_path / "run")
    setup.set_value("batch_size", 16)
    setup.set_text("epochs", "12")
    click(dock, "Start")
    qtbot.waitUntil(lambda: viewmodel.state in ("done", "failed"), timeout=WAIT_MS)
    assert viewmodel.run.problem == ""
    assert len(drawn_steps(dock)) > 3
    assert dock.run.curves.recognition.value()["k-NN"][0]
    assert "features, width 256" in dock.run._card.toPlainText()
