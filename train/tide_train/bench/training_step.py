"""TIDE's training step at the paper's size: images a second, share of the peak, wait for data.

The loop that is timed is the one that trains, reading a pack of noise. Beside it, on a batch that
is ready, stands the same maths written out plainly (`plain_training`). The official DINO code is
not run: it cuts its crops from RGB photographs on the host, which would compare loaders.
"""

from __future__ import annotations

import itertools
import logging
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from accelerate import Accelerator

from napari_tide.errors import BenchValueError, OutOfMemoryError
from tide_train.bench.machine import describe_machine
from tide_train.bench.matrix_peak import matrix_peak, wait_for
from tide_train.bench.plain_training import PlainTraining
from tide_train.bench.step_report import StepReport
from tide_train.bench.synthetic_training import (
    SyntheticSize,
    synthetic_expression,
    synthetic_pack,
)
from tide_train.data.stored_fingerprints import MOLECULES
from tide_train.data.tile_pack import TilePack
from tide_train.environment import device_name
from tide_train.events import Event
from tide_train.methods.tide import Tide
from tide_train.overrides import changed
from tide_train.prepare import Prepared, prepare
from tide_train.recipes.registry import find_recipe
from tide_train.run import make_accelerator
from tide_train.run_config import RunConfig
from tide_train.training_loop import TrainingLoop

_log = logging.getLogger(__name__)

DeviceChoice = Literal["auto", "cpu", "cuda"]

_FEWEST = 16  # images a batch; below that a device is simply too small


@dataclass(frozen=True, slots=True)
class StepPreset:
    """What is trained, and for how long.

    Parameters
    ----------
    recipe, changes
        A recipe, and what is different.
    size
        Of the noise it trains on.
    batch_size
        Tried first; halved until it fits.
    n_steps
        Of the loop that is timed, after as many to warm up.
    n_rounds
        Steps of either side on a ready batch.
    """

    recipe: str
    changes: Mapping[str, object]
    size: SyntheticSize
    batch_size: int
    n_steps: int
    n_rounds: int


PRESETS: Mapping[str, StepPreset] = {
    "paper": StepPreset(
        "tide",
        {"encoder.size": "small", "crops.n_local": 4, "crops.local_px": 96},
        SyntheticSize(n_tiles=2048, side_px=224, n_drugs=512, n_genes=978, n_bits=2048),
        batch_size=256,
        n_steps=30,
        n_rounds=10,
    ),
    "tiny": StepPreset(
        "debug_tide",
        {"encoder.size": "micro", "method.teacher.dropout": 0.0},
        SyntheticSize(n_tiles=256, side_px=32, n_drugs=16, n_genes=64, n_bits=256),
        batch_size=16,
        n_steps=8,
        n_rounds=5,
    ),
}


def measure_training_step(
    preset: str | None = None,
    *,
    device: DeviceChoice = "auto",
    batch_size: int | None = None,
    is_compiled: bool = False,
    announce: Callable[[str], None] | None = None,
) -> StepReport:
    """Time the training step.

    Parameters
    ----------
    preset
        ``paper`` or ``tiny``; by default the first on a GPU, the second on a CPU.
    device
        Where; a GPU where there is one by default.
    batch_size
        The preset's by default; it is halved until it fits.
    is_compiled
        Compile the encoder.
    announce
        Told what is being done.

    Raises
    ------
    BenchValueError
        There is no such preset or device, or not even a small batch fits.
    """
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        message = "no GPU is here; leave out --device, and the tiny preset runs on the CPU"
        raise BenchValueError(message)
    on_cpu = device == "cpu" or not has_gpu
    name = preset or ("tiny" if on_cpu else "paper")
    if name not in PRESETS:
        message = f"no preset {name!r}. Available: {list(PRESETS)}"
        raise BenchValueError(message)
    chosen = PRESETS[name]
    tell = announce or _log.info
    with tempfile.TemporaryDirectory() as folder:
        tell("writing a pack of noise")
        pack = synthetic_pack(Path(folder) / "pack", chosen.size)
        size = batch_size or chosen.batch_size
        while True:
            tell(f"training in batches of {size}")
            try:
                return _measure(
                    name, pack, Path(folder), size, on_cpu=on_cpu, is_compiled=is_compiled
                )
            except (OutOfMemoryError, torch.OutOfMemoryError) as error:
                if size // 2 < _FEWEST:
                    message = f"not even a batch of {size} fits; choose the preset tiny"
                    raise BenchValueError(message) from error
                size //= 2


def _measure(
    name: str, pack: TilePack, folder: Path, batch_size: int, *, on_cpu: bool, is_compiled: bool
) -> StepReport:
    preset = PRESETS[name]
    config = _config(preset, pack, batch_size, is_compiled=is_compiled)
    accelerator = make_accelerator(config, on_cpu=on_cpu)
    device = accelerator.device
    loop, rates = _train(config, pack, preset, folder, accelerator)
    memory_bytes = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    method = _prepared(config, pack, preset).method.to(device)
    assert isinstance(method, Tide)
    plain = PlainTraining(method.train(), config.optimiser, accelerator=accelerator)
    batch = loop.batch_of(loop.prepared.split.training[:batch_size])
    ours_s, plain_s = [], []
    for _ in range(preset.n_rounds + 1):
        ready = itertools.repeat(batch)
        ours_s.append(_seconds(partial(loop.take_step, loop.method, ready, 0), device))
        plain_s.append(_seconds(partial(plain.step, batch), device))
    is_half = accelerator.mixed_precision == "bf16"
    dtype = torch.bfloat16 if is_half else torch.float32
    return StepReport(
        machine=describe_machine(),
        date=datetime.now(UTC).date().isoformat(),
        preset=name,
        device="cpu" if device.type == "cpu" else device_name(),
        precision="bf16" if is_half else "fp32",
        batch_size=batch_size,
        is_compiled=is_compiled,
        images_per_s=rates["images_per_s"],
        data_wait=rates["data_wait"],
        ours_s=statistics.median(ours_s[1:]),
        plain_s=statistics.median(plain_s[1:]),
        flops_per_step=plain.count_flops(batch),
        peak_flops_per_s=matrix_peak(device, dtype),
        memory_bytes=memory_bytes,
    )


def _config(preset: StepPreset, pack: TilePack, batch_size: int, *, is_compiled: bool) -> RunConfig:
    n_steps = 2 * preset.n_steps
    return changed(
        find_recipe(preset.recipe),
        {
            **preset.changes,
            "batch_size": batch_size,
            "compile": is_compiled,
            "n_steps": n_steps,
            "log_every": preset.n_steps,
            "checkpoint_every": n_steps,
            "validation.n_times": 1,
            "validation.max_bank_images": batch_size,
            "validation.batch_size": batch_size,
            "data.n_validation": 1,
            "rna.scfm": "none",
            "drugs.n_bits": preset.size.n_bits,
            "drugs.source": str(pack.folder / MOLECULES),
        },
    )


def _prepared(config: RunConfig, pack: TilePack, preset: StepPreset) -> Prepared:
    return prepare(config, pack, expression=synthetic_expression(preset.size))


def _train(
    config: RunConfig,
    pack: TilePack,
    preset: StepPreset,
    folder: Path,
    accelerator: Accelerator,
) -> tuple[TrainingLoop, dict[str, float]]:
    """Run the loop; the last of its three reports is of the second half, when it is warm."""
    reports: list[Event] = []

    def listen(happened: Event) -> None:
        if happened["event"] == "step":
            reports.append(happened)

    checkpoints = folder / f"checkpoints-{config.batch_size}"
    checkpoints.mkdir()
    loop = TrainingLoop(
        _prepared(config, pack, preset),
        accelerator=accelerator,
        checkpoints=checkpoints,
        announce=listen,
        should_stop=lambda: False,
    )
    loop.run()
    last = reports[-1]
    return loop, {name: float(str(last[name])) for name in ("images_per_s", "data_wait")}


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    wait_for(device)
    began = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - began
