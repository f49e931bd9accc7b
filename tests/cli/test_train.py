import json
import re
import shlex

import pytest

from napari_tide.cli import main as command_line
from napari_tide.errors import TrainValueError
from napari_tide.students.bundle import load_bundle
from napari_tide.viewmodels.training_request import TrainingRequest
from tide_train.overrides import with_overrides
from tide_train.recipes.registry import find_recipe


@pytest.fixture
def tide(monkeypatch, capsys):
    """Return a function that runs the command: exit status, stdout, stderr."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["tide", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_info:
            command_line.main()
        said = capsys.readouterr()
        return exit_info.value.code, said.out, said.err

    return run


def test_recipes_are_listed(tide):
    status, out, _ = tide("train", "--list")
    assert status == 0
    names = [line.split()[0] for line in out.splitlines()]
    assert {"tide", "dino", "mae", "cl_d", "cl_r", "cl_soft", "tide_features", "scfm"} <= set(names)


def test_a_screen_is_packed_and_trained_on_in_one_command(tide, repository, tmp_path):
    sample, out = repository / "sample_data", tmp_path / "run"
    more = ["--set", "encoder.image_px=32", "--set", "data.tile_px=112", "--set", "n_steps=6"]
    more += ["--set", "card.license=cc-by-4.0", "--set", "card.description=Of a test."]
    status, said, errors = tide(
        "train",
        "debug_tide",
        *("--data", sample / "screen.parquet", "--l1000", sample / "l1000.gctx"),
        *("--out", out, "--json", *more),
    )
    assert status == 0, errors
    facts = json.loads(said)
    assert facts["steps"] == 6
    assert facts["is_complete"] is True
    assert "Images and transcriptomes" in errors
    assert "paired images" in errors
    bundle = load_bundle(out / "student")
    assert bundle.config.tile_px == 112
    assert bundle.config.student.encoder.image_px == 32
    assert bundle.config.license == "cc-by-4.0"
    card = (out / "student" / "README.md").read_text()
    assert "license: cc-by-4.0" in card
    assert "\nOf a test.\n" in card
    profiles = tmp_path / "profiles.parquet"
    status, _, errors = tide(
        "profile", sample / "screen.parquet", "--student", out / "student", "--out", profiles
    )
    assert status == 0, errors
    status, _, errors = tide("train", "debug_tide", "--data", sample, "--out", out)
    assert status == 2
    assert "--resume" in errors


def test_a_probe_says_time_and_memory_and_trains_nothing(tide, repository, tmp_path, monkeypatch):
    monkeypatch.setattr("tide_train.probe_steps._EACH_S", 0.0)
    sample = repository / "sample_data"
    what = ["train", "debug_labels", "--data", sample / "screen.parquet", "--probe"]
    what += ["--set", "encoder.image_px=32", "--set", "data.tile_px=112"]
    status, said, errors = tide(*what)
    assert status == 0, errors
    assert re.match(r"about \d+ \w+ and [\d.]+ GB on CPU \(.*images/s\)", said)
    status, _, errors = tide("train", "debug_tide", "--probe")
    assert status == 2
    assert "--data SCREEN" in errors


def test_the_command_a_dock_copies_is_the_training_it_starts(tide, tmp_path, monkeypatch):
    asked = []

    def instead(request, **_):
        asked.append(request)
        raise TrainValueError("enough")

    monkeypatch.setattr("tide_train.run.run", instead)
    request = TrainingRequest(
        "debug_tide",
        tmp_path / "a screen" / "screen.parquet",
        tmp_path / "run's",
        (tmp_path / "one.gctx", tmp_path / "two.gctx"),
        ("batch_size=32", "crops.aspect=[0.8, 1.25]", "card.description=Mine & 'yours'"),
        is_resumed=True,
        allows_outside=True,
    )
    status, _, errors = tide(*shlex.split(request.command())[1:])
    assert (status, errors) == (2, "tide: enough\n")
    found = asked[0]
    assert (found.data, found.out, found.l1000) == (request.data, request.out, request.l1000)
    assert found.is_resumed
    assert found.allow_outside
    assert found.config == with_overrides(find_recipe("debug_tide"), request.settings)
    assert found.config.card.description == "Mine & 'yours'"


def test_the_scfm_trains_on_expression_alone_and_prints_its_table(tide, repository, tmp_path):
    status, out, errors = tide(
        "train",
        "scfm",
        *("--l1000", repository / "sample_data" / "l1000.gctx", "--out", tmp_path / "scfm"),
        *("--set", "n_steps=2", "--set", "width=8", "--set", "max_genes=16", "--set", "n_heads=2"),
    )
    assert status == 0, errors
    assert "| mean perturbation |" in out
    assert (tmp_path / "scfm" / "scfm" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["debug_tid"], "did you mean 'debug_tide'"),
        (["debug_tide"], "--data SCREEN --out RUN"),
        (["scfm", "--out", "x"], "with --l1000"),
    ],
)
def test_mistakes_are_one_sentence(tide, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = ["--data", "nothing", "--out", "run"] if arguments == ["debug_tid"] else []
    status, _, errors = tide("train", *arguments, *more)
    assert status == 2
    assert said in errors
    assert errors.count("\n") == 1
