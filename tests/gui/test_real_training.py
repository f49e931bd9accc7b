"""The Train dock's driver with the real training, on a few tiles of the bundled plate."""

import psutil
import pytest
from napari.components import ViewerModel

from napari_tide._napari.viewer_desk import desk_of
from napari_tide.screens.open_screen import open_screen
from napari_tide.students.bundle import load_bundle
from napari_tide.viewmodels.recipe_catalogue import RecipeCatalogue
from tide_train.data.write_pack import PackSettings, write_pack

pytestmark = [pytest.mark.gui, pytest.mark.slow]


@pytest.fixture(scope="module")
def catalogue() -> RecipeCatalogue:
    from napari_tide._napari.recipe_listing import list_recipes

    return list_recipes()


@pytest.fixture(scope="module")
def pack(tmp_path_factory, repository):
    out = tmp_path_factory.mktemp("pack") / "sample.pack"
    screen = open_screen(repository / "sample_data" / "screen.parquet")
    write_pack(screen, out, settings=PackSettings(tile_size_px=112, image_px=32))
    return out


@pytest.fixture
def driver(qtbot, catalogue, pack, repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{repository / 'src'}:{repository / 'train'}")
    viewer = ViewerModel()
    driver = desk_of(viewer).training
    setup = driver.viewmodel.setup
    setup.set_catalogue(catalogue)
    setup.choose_data(pack)
    setup.choose_l1000([repository / "sample_data" / "l1000.gctx"])
    setup.choose_device("cpu")
    setup.choose_out(tmp_path / "run")
    driver.check()
    qtbot.waitUntil(lambda: setup.check is not None, timeout=60_000)
    yield driver
    driver.stop_now()
    driver.close()


def go(qtbot, driver, until):
    qtbot.waitUntil(until, timeout=240_000)
    assert not driver.viewmodel.run.problem


@pytest.mark.parametrize("recipe", ["debug_labels", "debug_tide"])
def test_start_stop_resume_and_a_student_that_loads(qtbot, driver, recipe):
    viewmodel, setup = driver.viewmodel, driver.viewmodel.setup
    setup.choose_recipe(recipe)
    setup.set_text("checkpoint_every", "5")
    assert "compounds with L1000" in setup.check.headline
    driver.start()
    go(qtbot, driver, lambda: viewmodel.run.curves.n_points > 3)
    driver.stop()
    go(qtbot, driver, lambda: viewmodel.state == "done")
    stopped_at = viewmodel.run.progress.done
    assert viewmodel.can_resume
    assert 0 < stopped_at < 40
    driver.resume()
    go(qtbot, driver, lambda: viewmodel.state == "done")
    run = viewmodel.run
    assert run.progress.done == 40
    losses = run.curves.losses["loss"]
    assert losses.steps == sorted(set(losses.steps))
    assert losses.steps[-1] == 40
    assert run.curves.recognition["chance_top1"].values
    viewmodel.use_student()
    bundle = load_bundle(viewmodel.session.student)
    assert bundle.config.provenance["recipe"] == recipe


def test_a_real_training_left_to_train_is_found_again_and_stopped(qtbot, driver):
    viewmodel = driver.viewmodel
    viewmodel.setup.choose_recipe("debug_labels")
    viewmodel.setup.set_text("n_steps", "4000")
    driver.start()
    go(qtbot, driver, lambda: viewmodel.run.curves.n_points > 3)
    pid, folder = viewmodel.run.pid, viewmodel.run.folder
    child = psutil.Process(pid)
    driver.let_go()
    driver.attach(folder)
    assert viewmodel.run.is_attached
    assert driver.can_stop
    n_before = viewmodel.run.curves.n_points
    go(qtbot, driver, lambda: viewmodel.run.curves.n_points > n_before)
    driver.stop()
    go(qtbot, driver, lambda: viewmodel.state == "done")
    qtbot.waitUntil(
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, timeout=60_000
    )
    assert viewmodel.run.student is not None


def test_what_training_refuses_is_said_in_the_dock(qtbot, driver):
    viewmodel = driver.viewmodel
    viewmodel.setup.choose_recipe("debug_labels")
    viewmodel.setup.set_value("batch_size", 4096)
    driver.start()
    qtbot.waitUntil(lambda: viewmodel.state == "failed", timeout=120_000)
    assert "do not fill a batch of 4096" in viewmodel.run.problem
    assert "lower" in viewmodel.run.problem
