"""One run from beginning to end: prepare, train, finish, and go on after an interruption."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs

from napari_tide.errors import RunFormatError, TideError, TrainValueError
from tide_train.adapter_run import run_adapter
from tide_train.checkpoint import Checkpoint, latest_checkpoint
from tide_train.data.expression_inputs import ExpressionInputs, read_expression_inputs
from tide_train.environment import describe_environment, is_alone_by_mistake
from tide_train.events import Announce, Event, event
from tide_train.finish import Finished, finish
from tide_train.methods.semi_clipped import SemiClippedConfig
from tide_train.methods.tide import TideConfig
from tide_train.opened_data import open_data
from tide_train.prepare import Prepared, prepare
from tide_train.run_config import RunConfig
from tide_train.run_folder import ENVIRONMENT, RunFolder
from tide_train.run_scfm import scfm_of_run
from tide_train.tensorboard_log import TENSORBOARD, also_to_tensorboard, require_tensorboard
from tide_train.training_loop import Outcome, TrainingLoop

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What somebody asked to train."""

    config: RunConfig
    data: Path
    out: Path
    l1000: tuple[Path, ...] = ()
    is_resumed: bool = False
    allow_outside: bool = False  # images named by a screen's table may lie outside its folder
    student: Path | None = None  # the bundle that an adapter is put into


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came out of it."""

    outcome: Outcome
    finished: Finished | None  # None for an adapter
    folder: RunFolder


def run(request: RunRequest, *, announce: Announce, should_stop: Stop) -> RunResult:
    """Train, and write the run's folder.

    Raises
    ------
    TideError
        What was asked cannot be trained, or a file cannot be read or written.
    """
    folder = RunFolder(request.out)
    accelerator = make_accelerator(request.config)
    say = _saying(folder, announce, is_main=accelerator.is_main_process)
    try:
        return _run(request, folder, accelerator, say, should_stop)
    except TideError as error:
        if folder.exists:
            say(event("error", message=str(error)))
        raise
    finally:
        accelerator.end_training()


def _run(
    request: RunRequest,
    folder: RunFolder,
    accelerator: Accelerator,
    say: Announce,
    should_stop: Stop,
) -> RunResult:
    config = _config(request, folder)
    if config.tensorboard:
        require_tensorboard()
    if not request.is_resumed:
        folder.refuse_started()
    if isinstance(config.method, SemiClippedConfig):
        return _run_adapter(request, config, folder, accelerator, say, should_stop)
    if request.student is not None:
        message = (
            f"{config.name} trains a student of its own; leave --student out, it is for "
            "semi_clipped, which trains an adapter for a student"
        )
        raise TrainValueError(message)
    prepared = _prepared(request, config, accelerator, say, should_stop)
    environment = describe_environment(
        seed=config.seed,
        data_hash=prepared.data.data_hash,
        n_processes=accelerator.num_processes,
    )
    start = None
    if request.is_resumed:
        _refuse_other_data(folder, prepared)
        start = latest_checkpoint(folder.checkpoints)
        if accelerator.is_main_process:
            folder.cut_back(0 if start is None else start.n_steps)
    elif accelerator.is_main_process:
        folder.create(config, environment)
    accelerator.wait_for_everyone()
    with contextlib.ExitStack() as stack:
        if config.tensorboard and accelerator.is_main_process:
            n_done = 0 if start is None else start.n_steps
            drawing = also_to_tensorboard(say, folder.path / TENSORBOARD, n_done=n_done)
            say = stack.enter_context(drawing)
        return _trained(prepared, folder, accelerator, say, should_stop, start, environment)


def _trained(
    prepared: Prepared,
    folder: RunFolder,
    accelerator: Accelerator,
    say: Announce,
    should_stop: Stop,
    start: Checkpoint | None,
    environment: dict[str, object],
) -> RunResult:
    for happened in opening_events(prepared, folder, 0 if start is None else start.n_steps):
        say(happened)
    if is_alone_by_mistake():
        message = (
            "accelerate launch --cpu starts several processes through MPI only, so this is one; "
            "ACCELERATE_USE_CPU=true accelerate launch --multi_gpu --num_processes N starts N"
        )
        say(event("warning", message=message))
    loop = TrainingLoop(
        prepared,
        accelerator=accelerator,
        checkpoints=folder.checkpoints,
        announce=say,
        should_stop=should_stop,
    )
    outcome = loop.run(start)
    if not outcome.is_complete:
        say(event("stopping", step=outcome.n_steps, n_steps=prepared.n_steps))
    finished = finish(loop, folder, n_steps=outcome.n_steps, environment=environment)
    say(
        event(
            "student",
            path=str(folder.student),
            has_rna_side=finished.has_rna_side,
            temperature=finished.calibration.temperature,
            ece_before=finished.calibration.ece_before,
            ece_after=finished.calibration.ece_after,
            **finished.metrics,
        )
    )
    say(event("done", step=outcome.n_steps, is_complete=outcome.is_complete))
    return RunResult(outcome, finished, folder)


def _run_adapter(
    request: RunRequest,
    config: RunConfig,
    folder: RunFolder,
    accelerator: Accelerator,
    say: Announce,
    should_stop: Stop,
) -> RunResult:
    if accelerator.num_processes > 1:
        message = (
            f"{config.name} trains a small adapter, on one process; start it without accelerate "
            "launch"
        )
        raise TrainValueError(message)
    found = run_adapter(
        config,
        folder,
        data=request.data,
        l1000=request.l1000,
        is_resumed=request.is_resumed,
        bundle=request.student,
        announce=say,
        should_stop=should_stop,
        device=accelerator.device,
    )
    return RunResult(Outcome(found.n_steps, found.is_complete, found.metrics), None, folder)


def make_accelerator(config: RunConfig, *, on_cpu: bool = False) -> Accelerator:
    """Choose device and precision; several processes come from ``accelerate launch``."""
    import torch

    has_bf16 = not on_cpu and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    is_bf16 = config.precision == "bf16" or (config.precision == "auto" and has_bf16)
    return Accelerator(
        cpu=on_cpu,
        mixed_precision="bf16" if is_bf16 else "no",
        kwargs_handlers=[
            # a batch without a pair leaves the teacher without gradients on one process
            DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)
        ],
    )


def opening_events(prepared: Prepared, folder: RunFolder, n_done: int) -> Iterator[Event]:
    """Say what will be trained, on what, and what to know about it."""
    config, split = prepared.config, prepared.split
    yield event(
        "start",
        recipe=config.name,
        method=config.method.kind,
        out=str(folder.path),
        pid=os.getpid(),
        n_steps=prepared.n_steps,
        steps_per_epoch=prepared.steps_per_epoch,
        step=n_done,
    )
    yield event(
        "data",
        n_training=len(split.training),
        n_validation=len(split.validation),
        n_held_out=len(split.held_out),
        n_drugs=len(prepared.drugs),
        channels=list(prepared.data.channels),
    )
    if prepared.pairing is not None:
        table = prepared.pairing.table.reset_index()
        yield event("pairing", table=table.to_dict(orient="records"))
    for warning in prepared.warnings:
        yield event("warning", message=warning)


def _config(request: RunRequest, folder: RunFolder) -> RunConfig:
    if not request.is_resumed:
        return request.config
    before = folder.config()
    changed = _differences(before, request.config)
    if changed:
        message = (
            f"{folder.path} was started with other settings ({changed}); go on with those, or "
            "start a new run in another --out"
        )
        raise RunFormatError(message)
    return before


def _differences(before: RunConfig, now: RunConfig) -> str:
    old, new = before.model_dump(mode="json"), now.model_dump(mode="json")
    names = [name for name in old if old[name] != new[name]]
    return ", ".join(names[:3])


def _prepared(
    request: RunRequest,
    config: RunConfig,
    accelerator: Accelerator,
    say: Announce,
    should_stop: Stop,
) -> Prepared:
    expression = expression_of(request.l1000, config)
    with accelerator.main_process_first():  # it packs and trains the scFM, the others read
        data = open_data(
            request.data,
            request.out,
            config,
            announce=say,
            should_stop=should_stop,
            allow_outside=request.allow_outside,
        )
        scfm = None
        if expression is not None and isinstance(config.method, TideConfig):
            scfm = scfm_of_run(
                config, expression, request.out, announce=say, should_stop=should_stop
            )
    return prepare(config, data, expression=expression, scfm=scfm)


def expression_of(paths: Sequence[Path], config: RunConfig) -> ExpressionInputs | None:
    """Read the expression files of a run; None where there are none."""
    if not paths:
        return None
    return read_expression_inputs(paths, min_replicates=config.rna.min_replicates)


def _refuse_other_data(folder: RunFolder, prepared: Prepared) -> None:
    known = folder.environment().get("data_hash")
    if known and known != prepared.data.data_hash:
        message = (
            f"{folder.path / ENVIRONMENT} tells of other data than was given; go on with the data "
            "the run was started on"
        )
        raise RunFormatError(message)


def _saying(folder: RunFolder, announce: Announce, *, is_main: bool) -> Announce:
    def say(happened: Event) -> None:
        if not is_main:
            return
        if folder.exists:
            with contextlib.suppress(KeyError):
                folder.record(happened)
        announce(happened)

    return say
