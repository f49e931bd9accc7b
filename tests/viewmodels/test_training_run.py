"""A run as it goes: curves, progress, log, its end, and following it by its folder."""

import json

import pytest

from napari_tide.errors import RunFormatError
from napari_tide.viewmodels.failure_advice import ChildEnd, describe_failure
from napari_tide.viewmodels.followed_run import FollowedRun, recipe_of_run
from napari_tide.viewmodels.run_curves import Curve, RunCurves, curve_title
from napari_tide.viewmodels.run_progress import RunProgress, duration
from napari_tide.viewmodels.training_run import TrainingRun

START = {"event": "start", "recipe": "debug_tide", "step": 0, "n_steps": 40, "pid": 4321}


def step(at, **facts):
    return {"event": "step", "step": at, "n_steps": 40, "loss": 2.0 / at, "lr": 1e-3, **facts}


def validation(at, share, **facts):
    return {"event": "validation", "step": at, "knn_top1": share, "chance_top1": 0.1, **facts}


def lines(*events):
    return [json.dumps(event) for event in events]


@pytest.fixture
def run(tmp_path):
    return TrainingRun(tmp_path, "debug_tide")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "config.json").write_text('{"name": "cl_d"}')
    return folder


def write(folder, name, *events, torn=""):
    with (folder / name).open("a") as file:
        file.write("".join(line + "\n" for line in lines(*events)) + torn)


def test_curves_come_by_name_from_whatever_losses_a_method_has(run):
    run.take_events([START, step(1, distillation=1.5, images_per_s=90.0), step(2, ssl=0.25)])
    assert list(run.curves.losses) == ["loss", "distillation", "ssl"]
    assert run.curves.losses["loss"].values == [2.0, 1.0]
    assert run.curves.training["lr"].steps == [1, 2]
    assert run.curves.last("images_per_s") == 90.0
    assert run.curves.last("nothing") is None


def test_recognition_carries_its_chance_line(run):
    run.take_events([validation(20, 0.4, is_best=True), validation(40, 0.5)])
    assert run.curves.recognition["knn_top1"].values == [0.4, 0.5]
    assert run.curves.recognition["chance_top1"].values == [0.1, 0.1]
    assert "is_best" not in run.curves.validation
    assert "step 20: k-NN 40.0 % (chance 10.0 %), the best so far" in run.log.lines


def test_numbers_that_are_none_make_no_point(run):
    run.take_events([step(1, ssl=None), step(2, ssl="odd"), {"event": "step", "loss": 1.0}])
    assert "ssl" not in run.curves.training
    assert run.curves.losses["loss"].steps == [1, 2]


def test_a_run_that_went_back_draws_no_zigzag():
    curve = Curve()
    for at in (10, 20, 30):
        curve.add(at, at)
    curve.add(20, 5)
    assert (curve.steps, curve.values) == ([10, 20], [10, 5])
    curves = RunCurves().add_all([step(1), step(2), step(3), {"event": "start", "step": 2}])
    assert curves.losses["loss"].steps == [1, 2]


def test_noise_goes_to_the_log_and_events_to_the_curves(run):
    changes = []
    run.curves_changed.connect(lambda: changes.append(1))
    run.take_lines(["Downloading weights", *lines(step(1), step(2)), '{"event": "step", "lo'])
    assert run.curves.losses["loss"].steps == [1, 2]
    assert run.log.lines == ("Downloading weights", '{"event": "step", "lo')
    assert changes == [1]


def test_progress_is_said_in_words(run):
    assert run.describe() == "starting …"
    run.take_events([{"event": "packing", "done": 12, "total": 96}])
    assert run.describe() == "packing fields: 12 of 96"
    run.take_events([START])
    assert run.describe() == "reading the data …"
    run.take_events([step(10, left_s=725.0, images_per_s=843.4, data_wait=0.05)])
    assert run.describe() == "step 10 of 40 · 12 min left · 843 images/s"
    assert run.progress.share == 0.25
    run.take_events([step(12, left_s=5.0, images_per_s=40.0, data_wait=0.6)])
    assert run.describe().endswith("60 % of the time waiting for data")
    run.stop_asked()
    assert run.describe() == "stopping, saving the student …"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.4, "4 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (12_000, "3 h 20 min"),
     (187_300, "2 days 4 h")],
)  # fmt: skip
def test_times_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said


def test_an_event_of_another_version_is_logged_and_changes_nothing(run):
    run.take_events([START, step(4), {"event": "novelty", "size": 3}])
    assert run.progress == RunProgress("training", 4, 40)
    assert run.log.lines[-1] == "novelty"


@pytest.mark.parametrize(
    ("is_complete", "state", "said"),
    [(True, "done", "done after 40 steps"),
     (False, "stopped", "stopped and saved after 40 of 40 steps")],
)  # fmt: skip
def test_a_good_end_leaves_a_student(run, tmp_path, is_complete, state, said):
    bundle = tmp_path / "student"
    run.take_events(
        [START, step(40), {"event": "student", "path": str(bundle)},
         {"event": "done", "step": 40, "is_complete": is_complete}]
    )  # fmt: skip
    run.ended(ChildEnd(0))
    assert run.state == state
    assert run.student == bundle
    assert run.describe() == said
    assert run.pid == 4321


def test_a_runs_own_error_is_said_with_the_way_out(run):
    run.take_events([START, {"event": "error", "message": "CUDA out of memory on cuda:0"}])
    run.ended(ChildEnd(2, tail=("tide_train: CUDA out of memory",)))
    assert run.state == "failed"
    assert run.problem.startswith("CUDA out of memory on cuda:0: lower the batch size")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        (ChildEnd(-9), "ended from outside (signal 9)"),
        (ChildEnd(-15), "ended from outside (signal 15)"),
        (ChildEnd(-11), "crashed (signal 11)"),
        (ChildEnd(1, ("Traceback (most recent call last):", '  File "a.py", line 3, in f',
                      "ModuleNotFoundError: No module named 'timm'")),
         "No module named 'timm': install the missing package"),
        (ChildEnd(1, ()), "said nothing"),
    ],
)  # fmt: skip
def test_every_bad_end_says_what_to_do(end, said):
    assert said in describe_failure(end)


def test_stop_now_is_no_failure(run):
    run.take_events([START, step(7)])
    run.ended(ChildEnd(-9, was_killed_here=True))
    assert (run.state, run.problem) == ("stopped", "")
    assert run.describe() == "stopped after 7 of 40 steps"


def test_a_run_elsewhere_is_followed_by_its_folder(folder):
    write(folder, "log.txt", START)
    write(folder, "metrics.jsonl", step(1), torn='{"event": "step", "st')
    run = TrainingRun(folder, "cl_d", followed=FollowedRun.open(folder))
    run.look(now_s=FollowedRun.open(folder).written_at())
    assert run.curves.losses["loss"].steps == [1]
    assert (run.state, run.is_attached, run.student) == ("running", True, None)
    write(folder, "metrics.jsonl", torn='ep": 2, "n_steps": 40, "loss": 1.0}\n')
    run.look(now_s=0)
    assert run.curves.losses["loss"].steps == [1, 2]
    write(folder, "log.txt", {"event": "done", "step": 2, "is_complete": False})
    run.look(now_s=0)
    assert run.state == "stopped"


def test_a_followed_run_that_went_back_is_drawn_anew(folder):
    write(folder, "metrics.jsonl", *(step(at) for at in range(1, 6)))
    run = TrainingRun(folder, "cl_d", followed=FollowedRun.open(folder))
    run.look(now_s=0)
    partial = folder / "cut.partial"
    partial.write_text("\n".join(lines(step(1), step(2))) + "\n")
    partial.replace(folder / "metrics.jsonl")
    run.look(now_s=0)
    assert run.curves.losses["loss"].steps == [1, 2]


def test_a_run_that_fell_silent_says_for_how_long(folder):
    write(folder, "metrics.jsonl", step(1))
    run = TrainingRun(folder, "cl_d", followed=FollowedRun.open(folder))
    run.look(now_s=FollowedRun.open(folder).written_at() + 7200)
    assert "nothing new for 2 h 0 min; if it no longer trains, Resume" in run.describe()


def test_a_failure_elsewhere_is_told_too(folder):
    write(folder, "log.txt", START, {"event": "error", "message": "the loss is nan at step 3"})
    run = TrainingRun(folder, "cl_d", followed=FollowedRun.open(folder))
    run.look(now_s=0)
    assert (run.state, run.problem) == (
        "failed",
        "the loss is nan at step 3: lower the learning rate and start again",
    )


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"epochs": 3}'])
def test_a_folder_without_a_run_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunFormatError, match="choose"):
        recipe_of_run(tmp_path)


def test_curves_are_called_by_plain_words():
    assert [curve_title(name) for name in ("knn_top1", "lr", "distillation_loss")] == [
        "k-NN",
        "learning rate",
        "distillation loss",
    ]
