"""The Train dock, with a stand-in for the training and real data."""

import json
import sys
import time
from pathlib import Path

import psutil
import pytest
from napari.components import ViewerModel
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QMainWindow,
    QPushButton,
    QWidget,
)

from napari_tide._napari import recipe_loading
from napari_tide._napari.recipe_listing import read_listing
from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.widgets.closing_guard import ClosingGuard
from napari_tide._napari.widgets.training_curves import TrainingCurves
from napari_tide._napari.widgets.training_dock import TrainingDock
from napari_tide.screens.sample_data import sample_folder
from napari_tide.viewmodels.run_curves import RunCurves

pytestmark = pytest.mark.gui

FAKE = (sys.executable, "-u", str(Path(__file__).with_name("fake_training.py")))


@pytest.fixture(scope="module")
def catalogue():
    """The real recipes; listed here, not in a child, to spare the wait."""
    from napari_tide._napari.recipe_listing import list_recipes

    return list_recipes()


@pytest.fixture
def known_recipes(catalogue, monkeypatch):
    """Recipes as a dock has them once they were fetched: with recipes for the stand-in."""
    labels = catalogue.recipe("debug_labels")
    more = [labels.model_copy(update={"name": name}) for name in ("short", "long", "crash", "deaf")]
    recipes = (*catalogue.recipes, *more)
    known = catalogue.model_copy(update={"recipes": recipes})
    monkeypatch.setattr(recipe_loading, "_known", [known])
    return known


@pytest.fixture
def viewer(known_recipes):
    viewer = ViewerModel()
    desk_of(viewer).training.command = desk_of(viewer).training.estimator.command = FAKE
    yield viewer
    driver = desk_of(viewer).training
    driver.stop_now()
    driver.close()


@pytest.fixture
def dock(qtbot, viewer):
    dock = TrainingDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(350, 860)
    dock.show()
    return dock


@pytest.fixture
def training(viewer):
    return desk_of(viewer).training.viewmodel


@pytest.fixture
def ready(qtbot, dock, viewer, training, tmp_path):
    """The dock with the sample screen looked at and an output folder."""
    desk_of(viewer).opener.open(sample_folder())
    qtbot.waitUntil(lambda: training.state == "ready", timeout=20_000)
    training.setup.choose_out(tmp_path / "run")
    return dock


def button(dock, text) -> QPushButton:
    return next(b for b in dock.findChildren(QPushButton) if b.text() == text)


def shown(dock):
    texts = [label.text() for label in dock.findChildren(QLabel) if label.isVisible()]
    return " ".join(texts)


def train(qtbot, dock, training, recipe, *, until):
    training.setup.choose_recipe(recipe)
    assert training.setup.blockers() == []
    button(dock, "Start").click()
    qtbot.waitUntil(until, timeout=20_000)


def has_points(training):
    return lambda: training.run is not None and training.run.curves.n_points > 3


def test_the_empty_dock_names_the_next_click(dock, qtbot, training):
    assert "Open a screen in the <b>Plate</b> dock" in shown(dock)
    assert not button(dock, "Start").isEnabled()
    button(dock, "Open sample plate").click()
    qtbot.waitUntil(lambda: training.state == "ready", timeout=20_000)
    assert not button(dock, "Open sample plate").isVisible()


def test_the_open_screen_is_told_in_words(ready, training):
    assert "96 wells, 5 channels, 1 plate" in shown(ready)
    assert "with L1000" in shown(ready)
    assert training.setup.l1000[0].name == "l1000.gctx"
    assert training.setup.check.is_as_on_disk
    assert button(ready, "Start").isEnabled()


def test_behind_another_tab_no_data_are_checked_until_the_tab_is_chosen(
    qtbot, dock, viewer, training
):
    window, front, tab = QMainWindow(), QDockWidget(), QDockWidget()
    qtbot.addWidget(window)
    tab.setWidget(dock)
    for each in (tab, front):
        window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, each)
    window.tabifyDockWidget(tab, front)
    window.show()
    front.raise_()
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty())
    desk_of(viewer).opener.open(sample_folder())
    qtbot.waitUntil(lambda: desk_of(viewer).session.screen is not None, timeout=20_000)
    assert not training.setup.is_checking
    tab.raise_()
    qtbot.waitUntil(lambda: training.state == "ready", timeout=20_000)
    qtbot.waitUntil(lambda: not desk_of(viewer).layers.is_loading)
    dock.setParent(None)


def test_the_form_writes_what_is_typed_and_blocks_what_cannot_be(ready, training):
    training.setup.choose_recipe("debug_tide")
    form = ready.setup.form
    form.control("batch_size").widget.value = 32
    form.control("optimiser.lr").widget.value = "2e-4"
    assert training.setup.settings == ("batch_size=32", "optimiser.lr=0.0002")
    form.control("optimiser.lr").widget.value = "-1"
    assert not button(ready, "Start").isEnabled()
    assert "Learning rate is -1" in shown(ready)
    form.control("optimiser.lr").widget.value = "0.001"
    assert training.setup.settings == ("batch_size=32",)
    assert button(ready, "Start").isEnabled()


def test_the_rest_of_the_settings_is_folded_until_asked_for(ready, training):
    training.setup.choose_recipe("debug_tide")
    form = ready.setup.form
    n_before = len(form.findChildren(QWidget))
    assert not form.more.isExpanded()
    form.more.unfold()
    assert len(form.findChildren(QWidget)) > n_before + 50
    form.control("method.beta").widget.value = "0"
    form.control("augmentation.turns").widget.value = False
    assert training.setup.settings == ("method.beta=0.0", "augmentation.turns=false")


def test_settings_the_form_writes_are_those_training_reads(ready, training):
    from tide_train.overrides import with_overrides
    from tide_train.recipes.registry import find_recipe

    training.setup.choose_recipe("debug_tide")
    control = ready.setup.form.control
    control("crops.aspect").widget.value = "0.8, 1.25"
    control("data.held_out_compounds").widget.value = "taxol, 5-fluorouracil"
    control("rna.form").widget.value = "raw"
    control("encoder.image_px").widget.value = "32"
    config = with_overrides(find_recipe("debug_tide"), training.setup.settings)
    assert config.crops.aspect == (0.8, 1.25)
    assert config.data.held_out_compounds == ("taxol", "5-fluorouracil")
    assert config.rna.form == "raw"
    assert config.encoder.image_px == 32


def test_the_command_is_copied(ready, training, tmp_path):
    training.setup.choose_recipe("debug_tide")
    button(ready, "Copy the command").click()
    command = QApplication.clipboard().text()
    assert command.startswith("tide train debug_tide --data ")
    assert str(tmp_path / "run") in command


def estimated(qtbot, dock, training, recipe):
    training.setup.choose_recipe(recipe)
    button(dock, "Estimate time and memory").click()
    assert button(dock, "Cancel the estimate").isEnabled()
    qtbot.waitUntil(lambda: not training.estimate.is_running, timeout=20_000)


def test_time_and_memory_are_told_before_a_start(qtbot, ready, training, tmp_path):
    estimated(qtbot, ready, training, "short")
    assert "<b>About 40 minutes and 3.1 GB on CPU</b><br>7 images/s" in shown(ready)
    assert not (tmp_path / "run").exists()
    ready.setup.form.control("batch_size").widget.value = 8
    assert "40 minutes" not in shown(ready)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("long", "⚠ Batches are &lt;too&gt; large."),
        ("crash", "⚠ There is no estimate (RuntimeError: no luck); Start may still work."),
    ],
)
def test_an_estimate_that_cannot_be_had_is_a_sentence(qtbot, ready, training, recipe, said):
    estimated(qtbot, ready, training, recipe)
    assert said in shown(ready)
    assert button(ready, "Estimate time and memory").isEnabled()


def test_an_estimate_is_cancelled_with_all_it_started(qtbot, ready, training, viewer):
    training.setup.choose_recipe("deaf")
    button(ready, "Estimate time and memory").click()
    folder = Path(desk_of(viewer).training.estimator._folder.name)
    qtbot.waitUntil((folder / "left").is_file, timeout=20_000)
    helper = psutil.Process(int((folder / "left").read_text()))
    button(ready, "Cancel the estimate").click()
    assert not training.estimate.is_running
    assert not folder.exists()
    qtbot.waitUntil(
        lambda: not helper.is_running() or helper.status() == psutil.STATUS_ZOMBIE, timeout=5000
    )


def test_a_training_draws_its_curves_and_ends_with_a_student(qtbot, ready, training, viewer):
    train(qtbot, ready, training, "short", until=lambda: training.state == "done")
    drawn = ready.run.curves.losses.value()
    assert list(drawn) == ["loss", "ssl"]
    assert drawn["loss"][0] == list(range(1, 41))
    assert list(ready.run.curves.recognition.value()) == ["k-NN", "chance"]
    assert "Downloading something" in ready.run.log_text()
    assert ready.run.status_text() == "done after 40 steps"
    button(ready, "Use this student").click()
    session = desk_of(viewer).session
    assert session.student == training.run.folder / "student"
    assert not button(ready, "This student is in use ✓").isEnabled()
    assert "license" not in ready.run._card.toPlainText()
    assert "A student." in ready.run._card.toPlainText()
    request = json.loads((training.run.folder / "request.json").read_text())
    assert request["recipe"] == "short"


def test_stop_and_save_then_resume(qtbot, ready, training):
    train(qtbot, ready, training, "long", until=has_points(training))
    assert not button(ready, "Resume").isVisible()
    assert button(ready, "Stop and save").isVisible()
    assert button(ready, "Stop now").isVisible()
    button(ready, "Stop and save").click()
    assert training.state == "stopping"
    qtbot.waitUntil(lambda: training.state == "done", timeout=20_000)
    assert "stopped and saved" in ready.run.status_text()
    assert not button(ready, "Stop and save").isVisible()
    button(ready, "Resume").click()
    qtbot.waitUntil(lambda: training.state == "running", timeout=5000)
    qtbot.waitUntil(has_points(training), timeout=20_000)
    steps = training.run.curves.losses["loss"].steps
    assert steps == sorted(set(steps))
    button(ready, "Stop now").click()
    assert training.state == "done"
    assert "stopped after" in ready.run.status_text()


def test_a_training_that_does_not_answer_is_ended(qtbot, ready, training, monkeypatch):
    monkeypatch.setattr("napari_tide.viewmodels.training_run._PATIENCE_S", 0.5)
    train(qtbot, ready, training, "deaf", until=has_points(training))
    button(ready, "Stop and save").click()
    qtbot.waitUntil(lambda: training.state == "done", timeout=10_000)
    assert "did not answer the stop" in ready.run.log_text()


def test_a_child_killed_from_outside_is_told_with_the_way_out(qtbot, ready, training, viewer):
    train(qtbot, ready, training, "long", until=has_points(training))
    psutil.Process(desk_of(viewer).training._process.pid).kill()
    qtbot.waitUntil(lambda: training.state == "failed", timeout=10_000)
    assert "Resume goes on from the last checkpoint" in ready.status.value()
    assert button(ready, "Resume").isVisible()
    button(ready, "Copy details").click()
    assert "napari-tide" in QApplication.clipboard().text()


def test_a_crash_shows_its_last_words(qtbot, ready, training):
    train(qtbot, ready, training, "crash", until=lambda: training.state == "failed")
    assert "RuntimeError: no luck" in ready.status.value()
    button(ready, "New training").click()
    assert training.run is None
    assert "holds a run already" in training.setup.blockers()[0]


def test_a_run_of_another_machine_is_followed(qtbot, dock, viewer, training, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "config.json").write_text('{"name": "cl_d"}')
    metrics = folder / "metrics.jsonl"
    line = json.dumps({"event": "step", "step": 1, "n_steps": 9, "loss": 2.0})
    metrics.write_text(line + "\n" + line.replace("1,", "2,")[:9])
    desk_of(viewer).training.attach(folder)
    assert dock.run.curves.losses.value()["loss"][0] == [1]
    with metrics.open("a") as file:
        file.write(line.replace('"step": 1', '"step": 2')[9:] + "\n")
    qtbot.waitUntil(lambda: dock.run.curves.losses.value()["loss"][0] == [1, 2], timeout=5000)
    assert not button(dock, "Stop and save").isVisible()
    assert button(dock, "New training").isVisible()
    training.compare_with(folder)
    assert "elsewhere" in dock.run.curves.losses.value()
    button(dock, "This run alone").click()
    assert "elsewhere" not in dock.run.curves.losses.value()


def test_attaching_to_a_plain_folder_is_a_sentence(dock, viewer, tmp_path):
    desk_of(viewer).training.attach(tmp_path)
    assert "holds no run" in dock.status.value()


def test_data_that_cannot_be_read_are_a_sentence(qtbot, dock, training, tmp_path):
    (tmp_path / "table.csv").write_text("no,profiles\n1,2\n")
    training.setup.choose_data(tmp_path / "table.csv")
    qtbot.waitUntil(lambda: bool(training.setup.check_problem), timeout=10_000)
    assert "table.csv" in shown(dock)
    assert not button(dock, "Start").isEnabled()


def test_a_screen_with_a_plate_map_joined_is_handed_over_as_a_table(
    qtbot, ready, training, viewer, tmp_path
):
    plate_map = tmp_path / "map.csv"
    plate_map.write_text("well_position,compound\n" + "B02,odd drug\nB03,other drug\n")
    desk_of(viewer).opener.join_plate_map(plate_map)
    qtbot.waitUntil(lambda: training.setup.is_checking, timeout=10_000)
    qtbot.waitUntil(lambda: training.state == "ready", timeout=10_000)
    assert not training.setup.check.is_as_on_disk
    train(qtbot, ready, training, "short", until=lambda: training.state == "done")
    table = training.run.folder / "screen.parquet"
    from napari_tide.screens.open_screen import open_screen
    from napari_tide.screens.readers.reader import ReadOptions

    again = open_screen(table, options=ReadOptions(allow_outside=True))
    assert "odd drug" in set(again.sites["compound"])
    assert again.missing_files() == []


@pytest.mark.parametrize("choice", ["save", "keep", "cancel"])
def test_closing_napari_asks_what_becomes_of_a_training(
    qtbot, ready, training, viewer, monkeypatch, choice
):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(ready)
    window.show()
    guard = ClosingGuard.watch(ready, desk_of(viewer).training)
    assert ClosingGuard.watch(ready, desk_of(viewer).training) is guard
    monkeypatch.setattr(guard, "ask", lambda: choice)
    train(qtbot, ready, training, "long", until=has_points(training))
    pid = desk_of(viewer).training._process.pid
    QApplication.sendEvent(window, event := QCloseEvent())
    assert event.isAccepted() is (choice == "keep")
    if choice == "save":
        qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
        assert "done" in (training.run.folder / "log.txt").read_text()
    else:
        assert psutil.Process(pid).is_running()
    if choice == "keep":
        follow_again(qtbot, viewer, training.run.folder)
        psutil.Process(pid).kill()
    ready.setParent(None)


def follow_again(qtbot, viewer, folder):
    """Attach to a run that was left to train on, as a reopened napari does."""
    driver = desk_of(viewer).training
    driver.attach(folder)
    run = driver.viewmodel.run
    n_before = run.curves.n_points
    qtbot.waitUntil(lambda: run.curves.n_points > n_before > 3, timeout=10_000)


def test_a_window_without_a_training_closes_without_a_question(qtbot, dock, viewer):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(dock)
    guard = ClosingGuard.watch(dock, desk_of(viewer).training)
    QApplication.sendEvent(window, event := QCloseEvent())
    assert event.isAccepted()
    assert guard is not None
    dock.setParent(None)


def test_a_dock_closed_during_a_training_is_found_again(qtbot, ready, training, viewer):
    train(qtbot, ready, training, "long", until=has_points(training))
    second = TrainingDock(viewer)
    qtbot.addWidget(second)
    ready.close()
    n_before = training.run.curves.n_points
    qtbot.waitUntil(lambda: training.run.curves.n_points > n_before, timeout=10_000)
    assert len(second.run.curves.losses.value()["loss"][0]) > 3
    assert training.state == "running"


def test_every_control_explains_itself(ready):
    buttons = [child for child in ready.findChildren(QPushButton) if child.text()]
    combos = ready.findChildren(QComboBox)
    assert len(buttons) >= 12
    assert len(combos) >= 2
    assert [b.text() for b in buttons if not b.toolTip()] == []
    assert [combo for combo in combos if not combo.toolTip()] == []


def test_nothing_needs_more_width_than_the_dock_has(qtbot, ready, training):
    assert ready.setup.minimumSizeHint().width() <= 330
    train(qtbot, ready, training, "short", until=lambda: training.state == "done")
    assert ready.run.minimumSizeHint().width() <= 330


def test_the_axes_of_a_first_point_have_no_negative_step_and_no_negative_loss(qtbot):
    curves = TrainingCurves()
    qtbot.addWidget(curves)

    def show(run):
        curves.set_value(run, compared={})
        for plot in (curves.losses, curves.recognition):
            plot.getViewBox().updateAutoRange()  # as before painting

    run = RunCurves()
    run.add({"event": "step", "step": 1, "loss": 0.2})
    show(run)
    for low, high in (curves.losses.viewRange()[0], curves.recognition.viewRange()[0]):
        assert low == 0
        assert high >= 10
    assert curves.losses.viewRange()[1][0] >= 0
    run.add({"event": "step", "step": 40, "loss": -0.5})
    run.add({"event": "validation", "step": 60, "knn_top1": 0.3})
    show(run)
    assert curves.losses.viewRange()[0] == curves.recognition.viewRange()[0]
    assert 60 <= curves.losses.viewRange()[0][1] < 65
    assert curves.losses.viewRange()[1][0] <= -0.5


def test_curves_take_the_theme(dock, viewer):
    viewer.theme = "light"
    light = dock.run.curves.losses.backgroundBrush().color().lightness()
    viewer.theme = "dark"
    assert light > 200 > 100 > dock.run.curves.losses.backgroundBrush().color().lightness()


@pytest.mark.slow
def test_the_recipes_come_from_a_process_of_their_own(qtbot, monkeypatch):
    monkeypatch.setattr(recipe_loading, "_known", [])
    loader = recipe_loading.RecipeLoader()
    found = []
    loader.loaded.connect(found.append)
    begun = time.monotonic()
    loader.load()
    assert time.monotonic() - begun < 0.5
    qtbot.waitUntil(lambda: bool(found), timeout=120_000)
    assert found[0].recipe("tide").needs_l1000


def test_a_listing_is_found_among_chatter_and_a_missing_one_is_none(catalogue):
    from napari_tide._napari.recipe_listing import BEGINS

    text = "a warning\n" + BEGINS + catalogue.model_dump_json() + "\n"
    assert read_listing(text).recipe("tide") == catalogue.recipe("tide")
    assert read_listing("Traceback") is None


def test_no_training_leaves_a_widget_behind(qtbot, viewer):
    dock = TrainingDock(viewer)
    dock.close()
    dock.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
