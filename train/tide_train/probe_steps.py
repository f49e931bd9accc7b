"""Seconds and memory of a training step, also of one too large to be tried."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import torch

from tide_train.data.batch_stream import BatchStream
from tide_train.peak_memory import forget_peak, free_memory_bytes, peak_memory_bytes
from tide_train.training_loop import TrainingLoop

_BUDGET_S = 15.0  # for all sizes; a step that was begun is finished
_EACH_S = 2.0
_MOST_STEPS = 12
_FIRST_BATCH = 8
_SHARE_OF_FREE = 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step with so many images takes.

    Parameters
    ----------
    size
        Images.
    step_s
        Seconds, once it runs.
    first_s
        Seconds of the first one.
    memory_bytes
        Most memory of the process meanwhile.
    """

    size: int
    step_s: float
    first_s: float
    memory_bytes: int


def batch_sizes(wanted: int, device: torch.device) -> Iterator[int]:
    """Give batches to try: the one that is wanted on a GPU, growing ones up to it elsewhere.

    A GPU says when its memory is full. A computer whose memory is full takes napari along.
    """
    size = wanted if device.type == "cuda" else min(_FIRST_BATCH, wanted)
    while size < wanted:
        yield size
        size *= 2
    yield wanted


def cost_of_batches(loop: TrainingLoop, sizes: Iterator[int]) -> list[Cost]:
    """Measure steps of growing batches while time and memory allow the next.

    Raises
    ------
    OutOfMemoryError
        A batch does not fit the device.
    """
    ends = time.perf_counter() + _BUDGET_S
    trained = loop.accelerator.prepare_model(loop.method)
    loop.method.train()
    costs: list[Cost] = []
    with loop.saying_what_to_do_without_memory():
        for size in sizes:
            if costs and not _may_try(extrapolated(costs, size), ends):
                break
            costs.append(_measured(loop, trained, size))
    return costs


def extrapolated(costs: Sequence[Cost], size: int) -> Cost:
    """Give what a step of another size would take, from the last two that were measured."""
    last = costs[-1]
    if last.size == size:
        return last
    ratio = size / last.size
    if len(costs) == 1:
        return Cost(size, last.step_s * ratio, last.first_s, round(last.memory_bytes * ratio))
    before = costs[-2]
    per_image_s = (last.step_s - before.step_s) / (last.size - before.size)
    step_s = last.step_s + per_image_s * (size - last.size)
    per_image_bytes = max(
        (one.memory_bytes - other.memory_bytes) / (one.size - other.size)
        for other, one in itertools.pairwise(costs)
    )
    return Cost(
        size,
        min(max(step_s, last.step_s * ratio / 2), last.step_s * ratio),
        last.first_s,
        round(last.memory_bytes + max(per_image_bytes, 0.0) * (size - last.size)),
    )


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _may_try(expected: Cost, ends: float) -> bool:
    more_bytes = expected.memory_bytes - peak_memory_bytes()
    free = free_memory_bytes()
    has_room = not free or more_bytes < _SHARE_OF_FREE * free
    return has_room and time.perf_counter() + 2 * expected.step_s < ends


def _measured(loop: TrainingLoop, trained: torch.nn.Module, size: int) -> Cost:
    forget_peak()
    prepared = loop.prepared
    small = replace(prepared, config=prepared.config.model_copy(update={"batch_size": size}))
    times: list[float] = []
    began = time.perf_counter()
    with closing(BatchStream(small, loop.batches).batches_from_here()) as stream:
        while len(times) < 2 or (
            len(times) <= _MOST_STEPS and time.perf_counter() - began < _EACH_S
        ):
            before = time.perf_counter()
            loop.take_step(trained, stream, len(times))
            wait_for(loop.device)
            times.append(time.perf_counter() - before)
    step_s = sum(times[1:]) / len(times[1:])
    return Cost(size, step_s, times[0], peak_memory_bytes())
