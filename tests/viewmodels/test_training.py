"""The Train dock's state: the form, what keeps a training from starting, runs and students."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from napari_tide.errors import RunFormatError, TrainValueError
from napari_tide.viewmodels.data_check import DataCheck, Finding
from napari_tide.viewmodels.failure_advice import ChildEnd
from napari_tide.viewmodels.recipe_catalogue import Device, RecipeCatalogue, RecipeEntry
from napari_tide.viewmodels.session import Session
from napari_tide.viewmodels.training import TrainingViewModel
from napari_tide.viewmodels.training_request import TrainingRequest, request_of_run

SCHEMA = {
    "$defs": {
        "Tide": {
            "properties": {
                "kind": {"const": "tide", "type": "string"},
                "beta": {"type": "number", "minimum": 0, "description": "Of self-supervision"},
                "labels_on": {"enum": ["all", "unpaired"], "type": "string"},
            }
        },
        "Dino": {"properties": {"kind": {"const": "dino", "type": "string"}}},
        "Optimiser": {
            "properties": {
                "lr": {"type": "number", "exclusiveMinimum": 0, "title": "Learning rate"},
                "betas": {"type": "array"},
            }
        },
    },
    "properties": {
        "name": {"type": "string"},
        "method": {"oneOf": [{"$ref": "#/$defs/Dino"}, {"$ref": "#/$defs/Tide"}]},
        "epochs": {"type": "number", "exclusiveMinimum": 0, "title": "Epochs"},
        "n_steps": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        "batch_size": {"type": "integer", "minimum": 2, "title": "Batch size"},
        "turns": {"type": "boolean", "title": "Turns"},
        "optimiser": {"$ref": "#/$defs/Optimiser"},
    },
}


def config(name, **changes):
    return {
        "name": name,
        "method": {"kind": "tide", "beta": 0.2, "labels_on": "all"},
        "epochs": 400.0,
        "n_steps": None,
        "batch_size": 256,
        "turns": True,
        "optimiser": {"lr": 5e-4, "betas": [0.9, 0.95]},
        **changes,
    }


def entry(name, *, reads="tiles", needs_l1000=False, summary="A recipe.", **changes):
    return RecipeEntry(
        name=name,
        summary=summary,
        reads=reads,
        needs_l1000=needs_l1000,
        config=config(name, **changes),
    )


CATALOGUE = RecipeCatalogue(
    settings_schema=SCHEMA,
    recipes=(
        entry("tide", needs_l1000=True),
        entry("labels"),
        entry("tide_features", reads="profiles", needs_l1000=True),
        entry("debug_labels", n_steps=40),
        entry("tide_without_ssl", summary="Ablation of tide: beta=0."),
    ),
    devices=(Device(id="cuda:0", title="A GPU"), Device(id="cpu", title="CPU")),
)


def check(path, **facts):
    given = {"kind": "screen", "headline": "96 wells", "n_paired": 5}
    return DataCheck(path=path, **{**given, **facts})


@pytest.fixture
def training(tmp_path):
    training = TrainingViewModel(Session(), home=tmp_path)
    training.setup.set_catalogue(CATALOGUE)
    return training


@pytest.fixture
def filled(training, tmp_path):
    training.setup.choose_data(tmp_path / "screen")
    training.setup.choose_l1000([tmp_path / "l1000.gctx"])
    training.setup.checked(check(tmp_path / "screen"))
    training.setup.choose_out(tmp_path / "run")
    return training


@pytest.fixture
def finished(tmp_path):
    """The folder of a run of another machine, with a student."""
    folder = tmp_path / "finished"
    (folder / "student").mkdir(parents=True)
    (folder / "student" / "model.safetensors").write_bytes(b"")
    (folder / "config.json").write_text('{"name": "cl_d"}')
    write_events(folder, "log.txt", {"event": "start", "step": 0, "n_steps": 3})
    write_events(folder, "metrics.jsonl", *({"event": "step", "step": n, "n_steps": 3, "loss": n}
                                            for n in (1, 2, 3)))  # fmt: skip
    write_events(folder, "log.txt", {"event": "done", "step": 3, "is_complete": True})
    return folder


def write_events(folder, name, *events):
    with (folder / name).open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_without_data_the_next_click_is_named(training):
    assert training.state == "idle"
    assert training.setup.blockers() == ["open a screen in the Plate dock, or choose data"]
    with pytest.raises(TrainValueError, match="open a screen"):
        training.setup.request()


def test_opening_a_screen_asks_for_a_new_check(training, screen):
    heard = []
    training.setup.data_changed.connect(lambda: heard.append(training.state))
    training.session.open(screen)
    assert training.setup.screen is screen
    assert training.setup.data == Path(screen.source)
    training.setup.checking()
    assert (heard, training.state) == (["idle"], "checking")
    training.setup.checked(check(Path(screen.source)))
    assert training.state == "ready"
    training.setup.choose_data(Path("other.pack"))
    assert training.setup.screen is None
    assert training.state == "idle"


def test_data_that_cannot_be_read_are_said_and_block(training, tmp_path):
    training.setup.choose_data(tmp_path)
    training.setup.checking()
    training.setup.check_failed("x is no screen; give another")
    assert training.state == "idle"
    assert training.setup.blockers() == ["x is no screen; give another"]


def test_a_filled_in_form_is_a_request(filled, tmp_path):
    assert filled.setup.blockers() == []
    filled.setup.set_text("batch_size", "64")
    filled.setup.set_text("optimiser.lr", "1e-4")
    filled.setup.set_value("turns", False)
    assert filled.setup.request() == TrainingRequest(
        recipe="tide",
        data=tmp_path / "screen",
        out=tmp_path / "run",
        l1000=(tmp_path / "l1000.gctx",),
        settings=("batch_size=64", "optimiser.lr=0.0001", "turns=false"),
        device="cuda:0",
    )


def test_the_command_says_the_same_as_the_form(filled, tmp_path):
    filled.setup.set_text("batch_size", "64")
    assert filled.setup.request().command() == (
        f"tide train tide --data {tmp_path / 'screen'} --out {tmp_path / 'run'} "
        f"--l1000 {tmp_path / 'l1000.gctx'} --set batch_size=64"
    )


def test_a_screen_changed_in_napari_is_written_beside_the_run(filled, tmp_path):
    filled.setup.checked(check(tmp_path / "screen", is_as_on_disk=False))
    request = filled.setup.request()
    assert request.data == tmp_path / "run" / "screen.parquet"
    assert request.arguments()[-1] == "--allow-outside"


@pytest.mark.parametrize(
    ("facts", "recipe", "said"),
    [
        ({"findings": (Finding("no compounds", is_serious=True),)}, "tide", "no compounds"),
        ({"n_paired": 0}, "tide", "none meets these images"),
        ({"kind": "profiles"}, "labels", "labels reads images and the data are profiles"),
        ({}, "tide_features", "tide_features reads profiles and the data are images"),
    ],
)
def test_what_blocks_is_said_with_the_way_out(filled, tmp_path, facts, recipe, said):
    filled.setup.choose_recipe(recipe)
    filled.setup.checked(check(tmp_path / "screen", **facts))
    assert said in filled.setup.blockers()[0]


def test_tide_without_l1000_offers_recipes_that_need_none(filled, tmp_path):
    filled.setup.choose_l1000([])
    filled.setup.checked(check(tmp_path / "screen", n_paired=0))
    assert "choose an L1000 file" in filled.setup.blockers()[0]
    filled.setup.choose_recipe("labels")
    assert filled.setup.blockers() == []


def test_an_output_folder_with_a_run_is_not_overwritten(filled, finished):
    filled.setup.choose_out(finished)
    assert "holds a run already" in filled.setup.blockers()[0]


def test_profiles_choose_the_recipe_that_reads_them(training, tmp_path):
    training.setup.choose_data(tmp_path / "p.parquet")
    training.setup.checked(check(tmp_path / "p.parquet", kind="profiles"))
    assert training.setup.recipe.name == "tide_features"


def test_a_recipe_chosen_by_hand_stays(training, tmp_path):
    training.setup.choose_recipe("labels")
    training.setup.choose_data(tmp_path / "screen")
    training.setup.checked(check(tmp_path / "screen"))
    assert training.setup.recipe.name == "labels"


def test_presets_come_first_and_fit_how_the_recipe_counts(training):
    assert [field.key for field in training.setup.fields[:3]] == [
        "epochs", "batch_size", "optimiser.lr"]  # fmt: skip
    training.setup.choose_recipe("debug_labels")
    assert training.setup.fields[0].key == "n_steps"
    keys = [field.key for field in training.setup.fields]
    assert "method.kind" not in keys
    assert "name" not in keys
    assert keys.count("optimiser.lr") == 1


def test_fields_carry_titles_choices_and_limits_of_the_configuration(training):
    fields = {field.key: field for field in training.setup.fields}
    assert fields["optimiser.lr"].title == "Learning rate"
    assert fields["method.beta"].help == "Of self-supervision"
    assert fields["method.labels_on"].choices == ("all", "unpaired")
    assert fields["n_steps"].is_optional
    assert fields["n_steps"].title == "Number of steps"
    assert fields["method.beta"].group == "Method"


@pytest.mark.parametrize(
    ("key", "typed", "said"),
    [
        ("batch_size", "many", "expected a whole number from 2"),
        ("batch_size", "1", "Batch size is 1; expected from 2"),
        ("batch_size", "2.5", "expected a whole number"),
        ("optimiser.lr", "0", "expected above 0"),
        ("optimiser.lr", "nan", "expected above 0"),
        ("epochs", "", "expected a number above 0"),
    ],
)
def test_what_cannot_be_a_value_blocks_until_it_is_mended(filled, key, typed, said):
    filled.setup.set_text(key, typed)
    assert said in filled.setup.fault(key)
    assert filled.setup.blockers() == [filled.setup.fault(key)]
    filled.setup.set_text(key, "64")
    assert filled.setup.blockers() == []


def test_typing_the_recipes_own_value_changes_nothing(filled):
    filled.setup.set_text("optimiser.lr", "0.0005")
    filled.setup.set_text("optimiser.betas", "0.9, 0.95")
    assert filled.setup.settings == ()
    filled.setup.set_text("optimiser.betas", "0.9, 0.99")
    filled.setup.set_text("n_steps", "30")
    assert filled.setup.settings == ("optimiser.betas=[0.9, 0.99]", "n_steps=30")
    filled.setup.set_text("n_steps", "")
    assert filled.setup.settings == ("optimiser.betas=[0.9, 0.99]",)


def test_another_recipe_starts_from_its_own_values(filled):
    filled.setup.set_text("batch_size", "64")
    filled.setup.choose_recipe("labels")
    assert filled.setup.settings == ()


def test_a_setting_that_is_not_there_is_refused(training):
    with pytest.raises(TrainValueError, match="has no setting 'nonsense'"):
        training.setup.set_value("nonsense", 1)


def test_the_suggested_folder_is_named_for_recipe_and_minute(training, tmp_path):
    now = datetime(2030, 5, 6, 7, 8)
    assert training.setup.suggested_out(now) == tmp_path / "tide_runs" / "tide_2030-05-06_0708"


def test_recipes_are_shown_by_family(training):
    families = training.setup.catalogue.by_family()
    assert [entry.name for entry in families["recipes"]] == ["tide", "labels", "tide_features"]
    assert [entry.name for entry in families["small trials"]] == ["debug_labels"]
    assert [entry.name for entry in families["ablations"]] == ["tide_without_ssl"]


def test_a_run_passes_through_its_states(filled):
    states = []
    filled.state_changed.connect(states.append)
    run = filled.begin(filled.setup.request())
    assert filled.is_training
    with pytest.raises(TrainValueError, match="stop the training"):
        filled.leave_run()
    run.take_events([{"event": "start", "step": 0, "n_steps": 9}])
    run.stop_asked()
    run.take_events([{"event": "done", "step": 4, "is_complete": False}])
    run.ended(ChildEnd(0))
    filled.leave_run()
    assert states == ["running", "stopping", "done", "ready"]


def test_a_failed_run_says_so(filled):
    states = []
    filled.state_changed.connect(states.append)
    filled.begin(filled.setup.request()).ended(ChildEnd(-9))
    assert states == ["running", "failed"]
    assert not filled.is_training


def test_a_request_is_kept_in_the_run_and_goes_on_from_there(filled, tmp_path):
    request = filled.setup.request()
    request.save()
    assert request_of_run(request.out) == request
    moved = request.out.rename(tmp_path / "moved")
    assert request_of_run(moved).out == moved
    assert request.resumed().arguments()[-1] == "--resume"


@pytest.mark.parametrize("content", ["", "[]", '{"recipe": "tide"}', '{"recipe": 3, "odd": 1}'])
def test_a_damaged_request_is_as_none(tmp_path, content):
    (tmp_path / "request.json").write_text(content)
    assert request_of_run(tmp_path) is None


def test_attaching_shows_another_machines_run(training, finished):
    run = training.attach(finished)
    run.look(now_s=0)
    assert training.state == "done"
    assert run.name == "cl_d"
    assert not training.is_training
    assert not training.can_resume
    assert run.student == finished / "student"
    training.leave_run()
    assert training.state == "idle"


def test_attaching_to_a_plain_folder_is_refused(training, tmp_path):
    with pytest.raises(RunFormatError, match="holds no run"):
        training.attach(tmp_path)
    assert training.run is None


def test_going_on_elsewhere_takes_the_data_chosen_here(training, finished, tmp_path):
    training.attach(finished)
    with pytest.raises(TrainValueError, match="open the screen it was started with"):
        training.resume_request()
    training.setup.choose_data(tmp_path / "screen")
    request = training.resume_request()
    assert (request.recipe, request.out, request.is_resumed) == ("cl_d", finished, True)


def test_a_resumed_run_keeps_its_curves(training, finished, tmp_path):
    training.attach(finished)
    training.setup.choose_data(tmp_path / "screen")
    run = training.begin(training.resume_request())
    assert run.curves.losses["loss"].steps == [1, 2, 3]
    assert run.state == "running"


def test_runs_are_compared_by_name(training, finished):
    training.compare_with(finished)
    assert training.compared["finished"].losses["loss"].values == [1, 2, 3]
    training.stop_comparing()
    assert training.compared == {}


def test_using_a_student_tells_every_dock(training, finished):
    heard = []
    training.session.events.student.connect(heard.append)
    training.attach(finished)
    training.use_student()
    training.use_student()
    assert heard == [finished / "student"]
    assert training.session.student == finished / "student"


def test_without_a_student_there_is_nothing_to_use(training):
    training.use_student()
    assert training.session.student is None


def test_the_form_can_be_written_down(filled):
    filled.setup.set_text("batch_size", "64")
    saved = json.loads(json.dumps(filled.state_to_save()))
    assert saved["setup"]["settings"] == {"batch_size": 64}
    assert saved["run"] == ""


@pytest.mark.parametrize(
    ("device", "variables"),
    [("cuda:1", {"CUDA_VISIBLE_DEVICES": "1"}), ("mps", {}),
     ("cpu", {"CUDA_VISIBLE_DEVICES": "-1", "ACCELERATE_USE_CPU": "true"})],
)  # fmt: skip
def test_a_training_keeps_to_its_device(device, variables):
    request = TrainingRequest("tide", Path("d"), Path("o"), device=device)
    assert request.environment() == variables
