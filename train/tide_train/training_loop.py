"""The loop: batches to losses to steps, with curves, validation, checkpoints and a way to stop.

Everything random follows from the seed and the step, so a resumed run goes on exactly where the
interrupted one stood.
"""

from __future__ import annotations

import contextlib
import math
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from torch import nn

from napari_tide.errors import OutOfMemoryError, TrainValueError
from napari_tide.students.encoders.encoder import Encoder
from tide_train.checkpoint import BEST, Checkpoint, save_checkpoint, save_tensors
from tide_train.data.batch import Batch
from tide_train.data.batch_stream import BatchStream
from tide_train.data.sample_batches import BatchMaker
from tide_train.evaluate.validation import Validation, validate
from tide_train.events import Announce, Event, event
from tide_train.losses.cosine_schedule import cosine_schedule
from tide_train.methods.method import Losses, Method
from tide_train.parallel import average_over_processes
from tide_train.prepare import Prepared

Rows = npt.NDArray[np.int64]
_STOP_EVERY = 10  # steps between the processes' agreement to stop


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a loop ended."""

    n_steps: int
    is_complete: bool
    best: dict[str, float] = field(default_factory=dict)


class TrainingLoop:
    """One run's loop on this process."""

    def __init__(
        self,
        prepared: Prepared,
        *,
        accelerator: Accelerator,
        checkpoints: Path,
        announce: Announce,
        should_stop: Callable[[], bool],
    ) -> None:
        self.prepared, self.config = prepared, prepared.config
        self.accelerator, self.checkpoints = accelerator, checkpoints
        self.announce, self.should_stop = announce, should_stop
        self.device = accelerator.device
        self.method: Method = prepared.method.to(self.device)
        if self.config.compile:
            _compile_encoders(self.method)
        self.optimiser = _optimiser(self.method, prepared)
        self.batches = _batch_maker(prepared, accelerator)
        self.best: dict[str, float] = {}
        self._clock = _Clock()

    def run(self, start: Checkpoint | None = None) -> Outcome:
        """Train to the end, or until somebody asks to stop.

        Raises
        ------
        OutOfMemoryError
            A batch does not fit the device.
        TrainValueError
            The loss is no number any more.
        """
        first = 0
        if start is not None:
            first = start.n_steps
            self.method.load_state_dict(start.method)
            self.optimiser.load_state_dict(start.optimiser)
            self.best = dict(start.best)
        trained = self.accelerator.prepare_model(self.method)
        self.method.train()
        with self._stream(first) as stream, self.saying_what_to_do_without_memory():
            for step in range(first, self.prepared.n_steps):
                losses = self.take_step(trained, stream, step)
                done = step + 1
                self._report(losses, done)
                self._validate_if_due(done)
                if self._is_asked_to_stop(done):
                    self._save(done)
                    return Outcome(done, done == self.prepared.n_steps, self.best)
                if done % self.config.checkpoint_every == 0 or done == self.prepared.n_steps:
                    self._save(done)
        return Outcome(self.prepared.n_steps, is_complete=True, best=self.best)

    def take_step(self, trained: nn.Module, stream: Iterator[Batch], step: int) -> Losses:
        """Train on the next batch, and give its losses, which stay on the device.

        Parameters
        ----------
        trained
            The method as the accelerator prepared it.
        stream
            Gives the batch, or its parts.
        step
            Which step this is, from zero.
        """
        n_parts = self.config.accumulation
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        torch.manual_seed(_dropout_seed(self.config.seed, step, self.accelerator.process_index))
        total: Losses = {}
        for part in range(n_parts):
            batch = self._clock.waiting_for(stream)
            waits = contextlib.nullcontext()
            if part < n_parts - 1:
                waits = self.accelerator.no_sync(trained)
            with waits:
                losses: Losses = trained(batch)
                self.accelerator.backward(losses["loss"] / n_parts)
            for name, value in losses.items():
                total[name] = total.get(name, torch.zeros_like(value)) + value.detach() / n_parts
        if self.config.optimiser.clip_norm:
            nn.utils.clip_grad_norm_(self.method.parameters(), self.config.optimiser.clip_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.method.after_step(step)
        self._clock.count(self.config.batch_size)
        return total

    def _learning_rate(self, step: int) -> float:
        settings = self.config.optimiser
        return cosine_schedule(
            step,
            start=settings.lr,
            end=min(settings.lr_end, settings.lr),
            n_steps=self.prepared.n_steps,
            n_warmup=round(settings.warmup_share * self.prepared.n_steps),
        )

    def _report(self, losses: Losses, done: int) -> None:
        if done % self.config.log_every and done not in (1, self.prepared.n_steps):
            return
        values = average_over_processes(losses)
        if not math.isfinite(values["loss"]):
            message = (
                f"the loss is {values['loss']} at step {done}; lower the learning rate "
                f"(--set optimiser.lr={self.config.optimiser.lr / 4:g}) and start again"
            )
            raise TrainValueError(message)
        self._say(
            event(
                "step",
                step=done,
                n_steps=self.prepared.n_steps,
                epoch=done / self.prepared.steps_per_epoch,
                lr=self._learning_rate(done - 1),
                **values,
                **self._clock.rates(self.prepared.n_steps - done),
            )
        )

    def _validate_if_due(self, done: int) -> None:
        every = max(self.prepared.n_steps // self.config.validation.n_times, 1)
        if done % every and done != self.prepared.n_steps:
            return
        found = self.validation()
        if found is None:
            return
        is_best = found.knn_top1 >= self.best.get("knn_top1", -1.0)
        self._say(event("validation", step=done, is_best=is_best, **found.facts()))
        if is_best:
            self.best = {"step": float(done), **found.facts()}
            if self.accelerator.is_main_process:
                content = {"method": self._weights(), "best": self.best}
                save_tensors(self.checkpoints / BEST, content)
        self._clock.forget()

    def validation(self) -> Validation | None:
        """Judge the method as it stands; None where the data has nothing to judge by."""
        labels = self.prepared.labels.perturbations_N
        split, settings = self.prepared.split, self.config.validation
        rows = split.validation[labels[split.validation] >= 0]
        bank = split.training[labels[split.training] >= 0]
        if not len(rows) or not len(bank):
            return None
        if len(bank) > settings.max_bank_images:
            drawn = np.random.default_rng([self.config.seed, 3]).permutation(bank)
            bank = np.sort(drawn[: settings.max_bank_images])
        with self.accelerator.autocast():
            return validate(
                self.method,
                bank=bank,
                rows=rows,
                perturbations_N=labels,
                batch_of=self.batch_of,
                batch_size=settings.batch_size,
            )

    def batch_of(self, rows: Rows) -> Batch:
        """Read rows as a batch, as they are; partners are the same every time."""
        samples = self._as_tensor(rows)
        return self.batches.make(rows, samples, step=0)

    def _as_tensor(self, rows: Rows) -> torch.Tensor:
        from tide_train.data.sample_batches import as_unit_interval

        return as_unit_interval(self.prepared.data.read(rows), self.device)

    def _is_asked_to_stop(self, done: int) -> bool:
        if self.accelerator.num_processes == 1:
            return self.should_stop()
        if done % _STOP_EVERY:
            return False
        asked = torch.tensor([float(self.should_stop())], device=self.device)
        return bool(self.accelerator.reduce(asked, "sum") > 0)

    def _save(self, done: int) -> None:
        if self.accelerator.is_main_process:
            state = self.optimiser.state_dict()
            save_checkpoint(self.checkpoints, Checkpoint(done, self._weights(), state, self.best))
            self._say(event("checkpoint", step=done))
        self.accelerator.wait_for_everyone()
        self._clock.forget()

    def _weights(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().cpu() for name, value in self.method.state_dict().items()}

    def _say(self, happened: Event) -> None:
        if self.accelerator.is_main_process:
            self.announce(happened)

    @contextlib.contextmanager
    def _stream(self, first: int) -> Iterator[Iterator[Batch]]:
        reader = BatchStream(
            self.prepared,
            self.batches,
            first_step=first,
            rank=self.accelerator.process_index,
            world_size=self.accelerator.num_processes,
        )
        with contextlib.closing(reader.batches_from_here()) as stream:
            yield stream

    @contextlib.contextmanager
    def saying_what_to_do_without_memory(self) -> Iterator[None]:
        """Turn an error for want of memory into a sentence with the way out."""
        try:
            yield
        except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            message = (
                f"a batch of {self.config.batch_size} does not fit {self.device}; lower batch size "
                f"to {max(self.config.batch_size // 2, 2)} (--set batch_size="
                f"{max(self.config.batch_size // 2, 2)}), or split it (--set accumulation="
                f"{2 * self.config.accumulation})"
            )
            raise OutOfMemoryError(message) from error


class _Clock:
    """Images a second and the share of time spent waiting for data, since it was last asked."""

    def __init__(self) -> None:
        self.forget()
        self._per_step_s = 0.0

    def forget(self) -> None:
        """Start counting anew, after something that was not training."""
        self._since, self._waited_s = time.perf_counter(), 0.0
        self._n_images = self._n_steps = 0

    def waiting_for(self, stream: Iterator[Batch]) -> Batch:
        """Take the next batch and count the wait."""
        before = time.perf_counter()
        batch = next(stream)
        self._waited_s += time.perf_counter() - before
        return batch

    def count(self, n_images: int) -> None:
        """Count a step."""
        self._n_images += n_images
        self._n_steps += 1

    def rates(self, n_left: int) -> dict[str, float]:
        """Give rates since the last time, and the time left."""
        elapsed_s = max(time.perf_counter() - self._since, 1e-9)
        if self._n_steps:
            self._per_step_s = elapsed_s / self._n_steps
        facts = {
            "images_per_s": self._n_images / elapsed_s,
            "data_wait": self._waited_s / elapsed_s,
            "left_s": self._per_step_s * n_left,
        }
        self.forget()
        return facts


def _optimiser(method: Method, prepared: Prepared) -> torch.optim.AdamW:
    settings = prepared.config.optimiser
    trained = [p for p in method.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    # one kernel for all weights; on a CPU the plain one is as fast, and its numbers are pinned
    is_fused = next(method.parameters()).device.type == "cuda"
    return torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas, fused=is_fused)


def _compile_encoders(method: Method) -> None:
    """Compile in place, so that the weights keep their names; the averaged encoder is one too.

    For each size of crop on its own: code for any size is slower, and torch 2.11 fails to make it.
    """
    for part in method.modules():
        if isinstance(part, Encoder):
            part.compile(dynamic=False)


def _batch_maker(prepared: Prepared, accelerator: Accelerator) -> BatchMaker:
    labels = prepared.labels
    tables = prepared.transcriptomes
    return BatchMaker(
        drugs_N=torch.from_numpy(labels.drugs_N).to(accelerator.device),
        doses_N=torch.from_numpy(labels.doses_N).to(accelerator.device),
        log_doses_N=torch.from_numpy(labels.log_doses_N).to(accelerator.device),
        lines_N=torch.from_numpy(labels.lines_N).to(accelerator.device),
        is_labelled_N=labels.drugs_N >= 0,
        transcriptomes=None if tables is None else tables.to(accelerator.device),
        seed=prepared.config.seed,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        device=accelerator.device,
    )


def _dropout_seed(seed: int, step: int, rank: int) -> int:
    return zlib.crc32(f"dropout:{seed}:{step}:{rank}".encode())


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text
