"""``tide train``: train a recipe, watch its curve, end with a student."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_tide.cli.output import report
from napari_tide.errors import TrainValueError

if TYPE_CHECKING:
    from tide_train.events import Event
    from tide_train.run import RunRequest, RunResult

_Recipe = Annotated[str, typer.Argument(help="Which recipe; --list shows all.")]
_Data = Annotated[
    Path | None, typer.Option(help="A pack, a screen (packed first), or a table of profiles.")
]
_Out = Annotated[Path | None, typer.Option(help="New folder for the run.")]
_L1000 = Annotated[list[Path] | None, typer.Option(help="GCT or GCTX file; may be repeated.")]
_Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting: batch_size=128."),
]
_Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")]
_Outside = Annotated[
    bool, typer.Option("--allow-outside", help="Let a screen's paths leave its folder.")
]
_Student = Annotated[
    Path | None,
    typer.Option(help="semi_clipped: the student of the profiles, which gets the adapter."),
]
_Probe = Annotated[
    bool,
    typer.Option("--probe", help="Take a few steps and say time and memory; train nothing."),
]
_List = Annotated[bool, typer.Option("--list", help="List the recipes.")]
_QUIET_S = 10.0  # between lines of progress in a log

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")]


def train(
    recipe: _Recipe = "tide",
    *,
    data: _Data = None,
    out: _Out = None,
    l1000: _L1000 = None,
    settings: _Set = None,
    resume: _Resume = False,
    allow_outside: _Outside = False,
    student: _Student = None,
    probe: _Probe = False,
    lists: _List = False,
    as_json: _Json = False,
) -> None:
    """Train on a screen or on profiles; Ctrl-C saves, and --resume goes on from there."""
    if lists:
        _print_recipes()
        return
    if recipe == "scfm" and out is not None:
        _train_scfm(l1000 or (), out, settings or (), as_json=as_json)
        return
    if data is None or (out is None and not probe):
        message = "say what to train on and where: tide train RECIPE --data SCREEN --out RUN"
        raise TrainValueError(message)
    from tide_train.overrides import with_overrides
    from tide_train.recipes.registry import find_recipe
    from tide_train.run import RunRequest, run
    from tide_train.stop_request import listening

    config = with_overrides(find_recipe(recipe), settings or ())
    request = RunRequest(
        config=config,
        data=data,
        out=out or Path(),
        l1000=tuple(l1000 or ()),
        is_resumed=resume,
        allow_outside=allow_outside,
        student=student,
    )
    if probe:
        _probe(request, as_json=as_json)
        return
    told = _Telling(Console(stderr=True))
    with listening(to_stdin=False) as should_stop:
        result = run(request, announce=told.tell, should_stop=should_stop)
    facts, said = _facts(result), _summary(result)
    if student is not None:
        facts["student"] = str(student)
        said += f", in {student} too: ask with tide hits --signature F --student {student}"
    report(facts, said, as_json=as_json)


def _probe(request: RunRequest, *, as_json: bool) -> None:
    """Say what a training would take."""
    from tide_train.probe import probe

    found = probe(request)
    lines = [f"{found.describe()} ({found.details()})", found.advice()]
    report(found.facts(), "\n".join(line for line in lines if line), as_json=as_json)


def _train_scfm(
    l1000: Sequence[Path], out: Path, settings: Sequence[str], *, as_json: bool
) -> None:
    """Train on L1000 alone; the table goes to stdout."""
    from tide_train.overrides import with_overrides
    from tide_train.recipes.scfm import scfm
    from tide_train.run_response import run_response
    from tide_train.stop_request import listening

    config = with_overrides(scfm(), settings)
    told = _Telling(Console(stderr=True))
    with listening(to_stdin=False) as should_stop:
        result = run_response(config, l1000, out, announce=told.tell, should_stop=should_stop)
    scores = result.tuned.report
    facts: dict[str, object] = {
        "out": str(out),
        "scfm": str(result.scfm),
        "scores": dict(scores.rows),
    }
    report(facts, f"{result.scfm}\n\n{scores.to_markdown()}", as_json=as_json)


class _Telling:
    """Writes a run's events for a person, on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._is_terminal = console.is_terminal
        self._last_s = -_QUIET_S

    def tell(self, happened: Event) -> None:
        """Write one event."""
        kind = happened["event"]
        if kind == "pairing":
            self._console.print(_pairing_table(happened))
        elif kind == "data":
            self._line(
                f"{happened['n_training']} training images, {happened['n_validation']} that choose "
                f"the checkpoint, {happened['n_held_out']} held out; {happened['n_drugs']} drugs"
            )
        elif kind == "warning":
            self._line(f"note: {happened['message']}")
        elif kind in ("step", "packing", "scfm"):
            self._passing(_progress(happened))
        elif kind == "validation":
            best = ", the best so far" if happened["is_best"] else ""
            self._line(f"step {happened['step']}: {_judged(happened)}{best}")
        elif kind == "stopping":
            self._line(
                f"stopped and saved after {happened['step']} of {happened['n_steps']} steps; "
                "go on with --resume"
            )

    def _line(self, text: str) -> None:
        if self._is_terminal:
            sys.stderr.write("\r\x1b[K")
        self._console.print(text, highlight=False, markup=False)

    def _passing(self, text: str) -> None:
        """Overwrite the last such line on a terminal; add one to a log now and then."""
        if self._is_terminal:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
        elif time.monotonic() - self._last_s >= _QUIET_S:
            self._last_s = time.monotonic()
            self._console.print(text, highlight=False, markup=False)


def _progress(happened: Event) -> str:
    if happened["event"] == "packing":
        return f"packing {happened['done']} of {happened['total']} sites"
    if happened["event"] == "scfm":
        return f"scFM step {happened['step']} of {happened['n_steps']}, loss {happened['loss']:.4g}"
    return (
        f"step {happened['step']} of {happened['n_steps']}, loss {happened['loss']:.4g}, "
        f"{happened['images_per_s']:.0f} images/s, waiting for data "
        f"{_percent(happened['data_wait'])}, {_duration(happened['left_s'])} left"
    )


def _judged(happened: Event) -> str:
    if "knn_top1" in happened:
        return f"k-NN {_percent(happened['knn_top1'])} (chance {_percent(happened['chance_top1'])})"
    asked = "disjoint" if "disjoint_top5" in happened else "within"
    who = "an unseen drug" if asked == "disjoint" else "a drug"
    return (
        f"a signature has {who} among its first five in {_percent(happened[f'{asked}_top5'])} "
        f"(chance {_percent(happened[f'{asked}_chance_top5'])})"
    )


def _pairing_table(happened: Event) -> Table:
    rows = happened["table"]
    assert isinstance(rows, list)
    table = Table("", *(str(row["cell_line"]) for row in rows), title="Images and transcriptomes")
    for name in rows[0]:
        if name != "cell_line":
            table.add_row(name.replace("_", " "), *(str(row[name]) for row in rows))
    return table


def _print_recipes() -> None:
    from tide_train.recipes.registry import RECIPES, recipe_summary
    from tide_train.recipes.scfm import NAME

    for name in (*RECIPES, NAME):
        print(f"{name:28} {recipe_summary(name)}")


def _facts(result: RunResult) -> dict[str, object]:
    if result.finished is None:
        return {
            "out": str(result.folder.path),
            "adapter": str(result.folder.adapter),
            "steps": result.outcome.n_steps,
            "is_complete": result.outcome.is_complete,
            "metrics": result.outcome.best,
        }
    return {
        "out": str(result.folder.path),
        "student": str(result.folder.student),
        "steps": result.outcome.n_steps,
        "is_complete": result.outcome.is_complete,
        "metrics": result.finished.metrics,
        "calibration": result.finished.calibration.model_dump(),
    }


def _summary(result: RunResult) -> str:
    if result.finished is None:
        steps = result.outcome.n_steps
        return f"{result.folder.adapter}: an adapter for signatures after {steps} steps"
    metrics, fitted = result.finished.metrics, result.finished.calibration
    said = f"{result.folder.student}: a student after {result.outcome.n_steps} steps"
    if "knn_top1" in metrics:
        said += (
            f", k-NN {_percent(metrics['knn_top1'])} (chance {_percent(metrics['chance_top1'])})"
        )
    if fitted.ece_after is not None:
        said += f", calibration error {fitted.ece_after:.3f}"
    return said


def _percent(share: object) -> str:
    assert isinstance(share, float)
    return f"{100 * share:.1f} %"


def _duration(seconds: object) -> str:
    assert isinstance(seconds, float)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
