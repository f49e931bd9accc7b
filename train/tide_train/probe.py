"""A short probe of a training: a few of its own steps, to say what the whole of it would take.

Nothing is left behind: what has to be written lies in a temporary folder.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator

from napari_tide.errors import TrainValueError
from tide_train.adapter_run import AdapterLoop, prepare_adapter
from tide_train.data.expression_inputs import ExpressionInputs
from tide_train.data.split import Split
from tide_train.environment import device_name
from tide_train.estimate import Estimate
from tide_train.events import silent
from tide_train.methods.semi_clipped import SemiClippedConfig
from tide_train.methods.tide import TideConfig
from tide_train.nets.scfm import Scfm
from tide_train.peak_memory import free_memory_bytes, peak_memory_bytes
from tide_train.prepare import Prepared, prepare
from tide_train.probe_data import probe_data
from tide_train.probe_steps import batch_sizes, cost_of_batches, extrapolated, wait_for
from tide_train.run import RunRequest, expression_of, make_accelerator
from tide_train.run_config import RunConfig
from tide_train.run_scfm import scfm_of_run
from tide_train.training_loop import TrainingLoop

_JUDGED_ON_CPU, _JUDGED_ON_GPU = 64, 1024
_SCFM_S, _SCFM_STEPS = 6.0, 60
_ADAPTER_S = 3.0


def probe(request: RunRequest) -> Estimate:
    """Take a few steps of what is asked for and extrapolate; `request.out` stays untouched.

    Raises
    ------
    TideError
        It cannot be trained, for the reasons a training would give.
    """
    imports_s = time.process_time()  # so far this process has done little else
    free_bytes = free_memory_bytes()
    accelerator = make_accelerator(request.config)
    if accelerator.num_processes > 1:
        message = "a probe measures one process; start it without accelerate launch"
        raise TrainValueError(message)
    is_adapter = isinstance(request.config.method, SemiClippedConfig)
    work = _probe_adapter if is_adapter else _probe_student
    try:
        with tempfile.TemporaryDirectory(prefix="tide-probe-") as folder:
            found = work(request, Path(folder), accelerator)
    finally:
        accelerator.end_training()
    found = replace(found, startup_s=found.startup_s + imports_s, free_bytes=free_bytes)
    if accelerator.device.type != "cuda":
        return found
    held = torch.cuda.max_memory_reserved()
    free = torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved()
    return replace(found, device_memory_bytes=held, free_bytes=free)


def _probe_student(request: RunRequest, folder: Path, accelerator: Accelerator) -> Estimate:
    config = request.config
    began = time.perf_counter()
    expression = expression_of(request.l1000, config)
    found = probe_data(request.data, folder / "pack", config, allow_outside=request.allow_outside)
    scfm, scfm_s, spent_s = _scfm(config, expression, folder)
    prepared = prepare(config, found.data, expression=expression, scfm=scfm)
    loop = _loop(prepared, folder, accelerator)
    startup_s = time.perf_counter() - began - found.spent_s - spent_s
    memory_bytes = peak_memory_bytes()
    part = config.batch_size // config.accumulation
    costs = cost_of_batches(loop, batch_sizes(part, loop.device))
    each = extrapolated(costs, part)
    validation_s = _validation_seconds(loop, prepared)
    return Estimate(
        device=_device_words(loop.device),
        n_steps=prepared.n_steps,
        batch_size=config.batch_size,
        step_s=each.step_s * config.accumulation,
        startup_s=startup_s + costs[0].first_s,
        packing_s=found.packing_s,
        scfm_s=scfm_s,
        validation_s=validation_s,
        memory_bytes=max(memory_bytes, each.memory_bytes, peak_memory_bytes()),
    )


def _loop(prepared: Prepared, folder: Path, accelerator: Accelerator) -> TrainingLoop:
    """Give the loop that trains; a step takes one part of a batch that is split."""
    whole = prepared.config.model_copy(update={"accumulation": 1})
    return TrainingLoop(
        replace(prepared, config=whole),
        accelerator=accelerator,
        checkpoints=folder,
        announce=silent,
        should_stop=lambda: False,
    )


def _scfm(
    config: RunConfig, expression: ExpressionInputs | None, folder: Path
) -> tuple[Scfm | None, float, float]:
    """Train the encoder of cell lines for a moment: seconds it would take, and took here."""
    if expression is None or not isinstance(config.method, TideConfig):
        return None, 0.0, 0.0
    began = time.perf_counter()
    times: list[float] = []

    def has_seen_enough() -> bool:
        times.append(time.perf_counter() - began)
        return len(times) > _SCFM_STEPS or times[-1] > _SCFM_S

    scfm = scfm_of_run(config, expression, folder, announce=silent, should_stop=has_seen_enough)
    spent_s = time.perf_counter() - began
    if len(times) < 2:
        return scfm, spent_s, spent_s
    per_step_s = (times[-1] - times[0]) / (len(times) - 1)
    n_left = max(config.rna.scfm_steps - len(times), 0)
    return scfm, spent_s + per_step_s * n_left, spent_s


def _validation_seconds(loop: TrainingLoop, prepared: Prepared) -> float:
    """Judge by some images, and give what judging by all of them would take over the run."""
    labels, split = prepared.labels.perturbations_N, prepared.split
    settings = prepared.config.validation
    bank = split.training[labels[split.training] >= 0]
    rows = split.validation[labels[split.validation] >= 0]
    if not len(rows) or not len(bank):
        return 0.0
    few = _JUDGED_ON_GPU if loop.device.type == "cuda" else _JUDGED_ON_CPU
    some_bank, some_rows = bank[:: max(len(bank) // few, 1)], rows[:: max(len(rows) // few, 1)]
    some_bank, some_rows = some_bank[:few], some_rows[:few]
    loop.prepared = replace(loop.prepared, split=Split(some_bank, some_rows, split.held_out))
    loop.validation()  # once to warm up
    began = time.perf_counter()
    loop.validation()
    wait_for(loop.device)
    n_passes = 2 if loop.method.trains_drug_head else 1
    per_image_s = (time.perf_counter() - began) / (len(some_bank) + n_passes * len(some_rows))
    n_bank = min(len(bank), settings.max_bank_images)
    at_the_end = len(rows) + (0 if loop.method.trains_drug_head else n_bank)
    each = n_bank + n_passes * len(rows)
    return per_image_s * (each * _n_validations(prepared) + at_the_end)


def _n_validations(prepared: Prepared) -> int:
    every = max(prepared.n_steps // prepared.config.validation.n_times, 1)
    return -(-prepared.n_steps // every)


def _probe_adapter(request: RunRequest, folder: Path, accelerator: Accelerator) -> Estimate:
    config = request.config
    began = time.perf_counter()
    data = prepare_adapter(config, request.data, l1000=request.l1000)
    loop = AdapterLoop(
        config,
        data,
        checkpoints=folder,
        announce=silent,
        should_stop=lambda: False,
        device=accelerator.device,
    )
    loop.take_step(0)
    built = time.perf_counter()
    loop.judge()
    judged = time.perf_counter()
    n_steps = 0
    while n_steps < loop.n_steps and time.perf_counter() - judged < _ADAPTER_S:
        loop.take_step(n_steps)
        n_steps += 1
    wait_for(accelerator.device)
    step_s = (time.perf_counter() - judged) / n_steps
    n_times = -(-loop.n_steps // max(loop.n_steps // config.validation.n_times, 1))
    return Estimate(
        device=_device_words(accelerator.device),
        n_steps=loop.n_steps,
        batch_size=config.batch_size,
        step_s=step_s,
        startup_s=built - began,
        packing_s=0.0,
        scfm_s=0.0,
        validation_s=(judged - built) * (n_times + 2),
        memory_bytes=peak_memory_bytes(),
    )


def _device_words(device: torch.device) -> str:
    return "CPU" if device.type == "cpu" else device_name()
