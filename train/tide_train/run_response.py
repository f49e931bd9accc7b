"""Train an scFM by itself, on L1000 alone: the recipe ``scfm``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_tide.errors import TideError, TrainValueError
from tide_train.data.expression_inputs import read_expression_inputs
from tide_train.environment import describe_environment
from tide_train.events import Announce, Event, event
from tide_train.files_hash import hash_of_files
from tide_train.methods.expression_response import (
    ExpressionResponseConfig,
    FineTuned,
    ResponseStep,
    fit_expression_response,
)
from tide_train.run_folder import RunFolder
from tide_train.run_scfm import SCFM

REPORT = "report.md"


@dataclass(frozen=True, slots=True)
class ResponseResult:
    """What came of it: the folder of the run, and the trained predictor with its scores."""

    folder: RunFolder
    tuned: FineTuned

    @property
    def scfm(self) -> Path:
        """Where the scFM lies."""
        return self.folder.path / SCFM


def run_response(
    config: ExpressionResponseConfig,
    l1000: Sequence[Path],
    out: Path,
    *,
    announce: Announce,
    should_stop: Callable[[], bool],
) -> ResponseResult:
    """Fine-tune on responses; write the scFM, its scores beside the baselines, and the curve.

    Raises
    ------
    TideError
        The files cannot be read or trained on, or the folder cannot be written.
    """
    folder = RunFolder(out)
    folder.refuse_started()
    if not l1000:
        message = "scfm learns from L1000; give a level-3 GCT or GCTX file with --l1000"
        raise TrainValueError(message)
    inputs = read_expression_inputs(l1000)
    folder.create(
        config,
        describe_environment(seed=config.seed, data_hash=hash_of_files(l1000), n_processes=1),
    )

    def say(happened: Event) -> None:
        folder.record(happened)
        announce(happened)

    say(event("start", recipe="scfm", out=str(out), pid=os.getpid(), n_steps=config.n_steps))
    for note in inputs.notes:
        say(event("warning", message=note))

    def show(done: ResponseStep) -> None:
        if done.validation_loss is not None:
            say(event("scfm", **_facts(done)))

    try:
        tuned = fit_expression_response(inputs, config, on_step=show, cancelled=should_stop)
        tuned.save(out / SCFM, overwrite=True)
    except TideError as error:
        say(event("error", message=str(error)))
        raise
    folder.write_text(REPORT, tuned.report.to_markdown())
    say(event("done", step=tuned.report.best_step, is_complete=not should_stop()))
    return ResponseResult(folder, tuned)


def _facts(done: ResponseStep) -> dict[str, object]:
    return {
        "step": done.step,
        "n_steps": done.n_steps,
        "loss": done.loss,
        "validation_loss": done.validation_loss,
    }
