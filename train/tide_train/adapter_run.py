"""A run that trains an adapter instead of a student: the plain loop of ``semi_clipped``.

The same folder, events, checkpoints and way to stop as any run, on one process. It ends with
``rna_adapter/`` in the run's folder, from the checkpoint whose held-out drugs are found best, and
with a copy in the bundle of the student whose profiles it leads to, where that is given.
"""

from __future__ import annotations

import math
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from napari_tide.errors import RunFormatError, TrainValueError
from tide_train.adapter_bundle import check_bundle, put_into_bundle
from tide_train.adapter_card import adapter_card
from tide_train.adapter_data import AdapterData, adapter_data
from tide_train.checkpoint import (
    BEST,
    Checkpoint,
    latest_checkpoint,
    load_tensors,
    save_checkpoint,
    save_tensors,
)
from tide_train.data.batch_order import BatchOrder
from tide_train.data.expression_inputs import read_expression_inputs
from tide_train.data.training_data import TrainingTable, is_trainable, open_training_data
from tide_train.environment import describe_environment
from tide_train.events import Announce, Event, event
from tide_train.losses.cosine_schedule import cosine_schedule
from tide_train.methods.semi_clipped import SemiClipped
from tide_train.nets.rna_adapter import write_adapter
from tide_train.run_config import RunConfig
from tide_train.run_folder import ENVIRONMENT, RunFolder

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class AdapterOutcome:
    """How far an adapter came."""

    n_steps: int
    is_complete: bool
    metrics: dict[str, float] = field(default_factory=dict)


class AdapterLoop:
    """Batches of pairs to a trained adapter."""

    def __init__(
        self,
        config: RunConfig,
        data: AdapterData,
        *,
        checkpoints: Path,
        announce: Announce,
        should_stop: Stop,
        device: torch.device | str = "cpu",
    ) -> None:
        self.config, self.data, self.checkpoints = config, data, checkpoints
        self.announce, self.should_stop = announce, should_stop
        self.draw = data.draw(config, device)
        self.method = SemiClipped(
            data.method, len(data.genes), self.draw.images_NP.shape[1], config.seed
        ).to(device)
        if data.deployed == "none":
            rows = torch.from_numpy(data.rows.trained_signatures).to(device)
            self.method.adapter.standardise_by(self.draw.signatures["none"][rows])
        self.optimiser = _optimiser(self.method, config)
        self.order = BatchOrder(data.rows.training, config.batch_size, seed=config.seed)
        per_epoch = self.order.steps_per_epoch
        self.n_steps = config.n_steps or max(round(config.epochs * per_epoch), 1)
        self.best: dict[str, float] = {}
        self._waited_s = 0.0

    def run(self, start: Checkpoint | None = None) -> AdapterOutcome:
        """Train to the end, or until somebody asks to stop.

        Raises
        ------
        TrainValueError
            The loss is no number any more.
        """
        first = 0
        if start is not None:
            first, self.best = start.n_steps, dict(start.best)
            self.method.load_state_dict(start.method)
            self.optimiser.load_state_dict(start.optimiser)
        self.method.train()
        self._began, self._first, self._waited_s = time.perf_counter(), first, 0.0
        for step in range(first, self.n_steps):
            loss = self.take_step(step)
            done = step + 1
            self._report(loss, done)
            self._judge_if_due(done)
            is_asked = self.should_stop()
            if is_asked or done % self.config.checkpoint_every == 0 or done == self.n_steps:
                state = self.optimiser.state_dict()
                save_checkpoint(
                    self.checkpoints, Checkpoint(done, self.weights(), state, self.best)
                )
                self.announce(event("checkpoint", step=done))
            if is_asked:
                return AdapterOutcome(done, done == self.n_steps, self.best)
        return AdapterOutcome(self.n_steps, is_complete=True, metrics=self.best)

    def judge(self) -> dict[str, float]:
        """Judge the adapter as it stands, by retrieval."""
        self.method.eval()
        with torch.inference_mode():
            reached = self.method.adapter(self.draw.signatures[self.data.deployed])
        self.method.train()
        return self.data.judge(reached.cpu().numpy())

    def weights(self) -> dict[str, torch.Tensor]:
        """Give the method's tensors as they stand."""
        return {name: value.detach().cpu() for name, value in self.method.state_dict().items()}

    def take_step(self, step: int) -> torch.Tensor:
        """Train on a batch of pairs, and give its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        torch.manual_seed(zlib.crc32(f"dropout:{self.config.seed}:{step}".encode()))
        before = time.perf_counter()
        batch = self.draw.pairs(self.order.batch(step), step)
        self._waited_s += time.perf_counter() - before
        loss = self.method(batch)["loss"]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.config.optimiser.clip_norm:
            nn.utils.clip_grad_norm_(self.method.parameters(), self.config.optimiser.clip_norm)
        self.optimiser.step()
        return loss.detach()

    def _learning_rate(self, step: int) -> float:
        settings = self.config.optimiser
        return cosine_schedule(
            step,
            start=settings.lr,
            end=min(settings.lr_end, settings.lr),
            n_steps=self.n_steps,
            n_warmup=round(settings.warmup_share * self.n_steps),
        )

    def _report(self, loss: torch.Tensor, done: int) -> None:
        if done % self.config.log_every and done not in (1, self.n_steps):
            return
        if not math.isfinite(float(loss)):
            message = (
                f"the loss is {float(loss)} at step {done}; lower the learning rate "
                f"(--set optimiser.lr={self.config.optimiser.lr / 4:g}) and start again"
            )
            raise TrainValueError(message)
        per_step_s = (time.perf_counter() - self._began) / (done - self._first)
        self.announce(
            event(
                "step",
                step=done,
                n_steps=self.n_steps,
                epoch=done / self.order.steps_per_epoch,
                lr=self._learning_rate(done - 1),
                loss=float(loss),
                correction=self.draw.correction(done - 1),
                images_per_s=self.config.batch_size / per_step_s,
                data_wait=self._waited_s / (per_step_s * (done - self._first)),
                left_s=per_step_s * (self.n_steps - done),
            )
        )

    def _judge_if_due(self, done: int) -> None:
        every = max(self.n_steps // self.config.validation.n_times, 1)
        if done % every and done != self.n_steps:
            return
        found = self.judge()
        is_best = self.data.score(found) >= self.data.score(self.best)
        self.announce(event("validation", step=done, is_best=is_best, **found))
        if is_best:
            self.best = {"step": float(done), **found}
            save_tensors(self.checkpoints / BEST, {"method": self.weights(), "best": self.best})


def run_adapter(
    config: RunConfig,
    folder: RunFolder,
    *,
    data: Path,
    l1000: Sequence[Path],
    is_resumed: bool,
    announce: Announce,
    should_stop: Stop,
    bundle: Path | None = None,
    device: torch.device | str = "cpu",
) -> AdapterOutcome:
    """Train an adapter and write it into the run's folder, and into its student's `bundle`.

    Raises
    ------
    TideError
        What was given cannot be trained on, or a file cannot be read or written.
    """
    prepared = prepare_adapter(config, data, l1000=l1000)
    if bundle is not None:
        check_bundle(bundle, of_profiles=prepared.student, is_resumed=is_resumed)
    environment = describe_environment(
        seed=config.seed, data_hash=prepared.data_hash, n_processes=1
    )
    start = _start(folder, config, environment, is_resumed=is_resumed)
    loop = AdapterLoop(
        config,
        prepared,
        checkpoints=folder.checkpoints,
        announce=announce,
        should_stop=should_stop,
        device=device,
    )
    for happened in _opening(config, folder, loop, 0 if start is None else start.n_steps):
        announce(happened)
    before = loop.judge()
    outcome = loop.run(start)
    if not outcome.is_complete:
        announce(event("stopping", step=outcome.n_steps, n_steps=loop.n_steps))
    return _deliver(loop, folder, outcome, before=before, environment=environment, bundle=bundle)


def prepare_adapter(config: RunConfig, data: Path, *, l1000: Sequence[Path]) -> AdapterData:
    """Read profiles and signatures, and pair them.

    Raises
    ------
    TideError
        What was given cannot be trained on.
    """
    _refuse_accumulation(config)
    table = _opened(config, data)
    inputs = None
    if l1000:
        inputs = read_expression_inputs(l1000, min_replicates=config.rna.min_replicates)
    return adapter_data(config, table, inputs)


def _opened(config: RunConfig, path: Path) -> TrainingTable:
    data = open_training_data(path) if is_trainable(path) else None
    if isinstance(data, TrainingTable):
        return data
    message = (
        f"{config.name} trains on profiles, and {path} is no table of them; make one with tide "
        f"profile {path} --student S --out profiles.parquet, and pass that as --data"
    )
    raise TrainValueError(message)


def _start(
    folder: RunFolder, config: RunConfig, environment: dict[str, object], *, is_resumed: bool
) -> Checkpoint | None:
    if not is_resumed:
        folder.create(config, environment)
        return None
    known = folder.environment().get("data_hash")
    if known and known != environment["data_hash"]:
        message = (
            f"{folder.path / ENVIRONMENT} tells of other data than was given; go on with the data "
            "the run was started on"
        )
        raise RunFormatError(message)
    start = latest_checkpoint(folder.checkpoints)
    folder.cut_back(0 if start is None else start.n_steps)
    return start


def _opening(
    config: RunConfig, folder: RunFolder, loop: AdapterLoop, n_done: int
) -> Iterator[Event]:
    data = loop.data
    yield event(
        "start",
        recipe=config.name,
        method=config.method.kind,
        out=str(folder.path),
        pid=os.getpid(),
        n_steps=loop.n_steps,
        steps_per_epoch=loop.order.steps_per_epoch,
        step=n_done,
    )
    yield event(
        "data",
        n_training=len(data.rows.training),
        n_validation=len(data.validation),
        n_held_out=len(data.held_out),
        n_drugs=data.n_drugs,
        n_signatures=len(data.rows.trained_signatures),
        channels=[],
    )
    yield event("pairing", table=data.pairing.table.reset_index().to_dict(orient="records"))
    for warning in data.warnings:
        yield event("warning", message=warning)


def _deliver(
    loop: AdapterLoop,
    folder: RunFolder,
    outcome: AdapterOutcome,
    *,
    before: dict[str, float],
    environment: dict[str, object],
    bundle: Path | None,
) -> AdapterOutcome:
    path = loop.checkpoints / BEST
    if path.is_file():
        weights = load_tensors(path)["method"]
        assert isinstance(weights, dict)
        loop.method.load_state_dict(weights)
    found = loop.judge()
    data = loop.data
    card = adapter_card(
        loop.config,
        data,
        before=before,
        after=found,
        curves=folder.metrics(),
        n_steps=outcome.n_steps,
        environment=environment,
    )
    write_adapter(
        loop.method.adapter,
        folder.adapter,
        genes=data.genes,
        student=data.student,
        back_PD=torch.from_numpy(data.way_back),
        card=card,
    )
    delivered = folder.adapter if bundle is None else put_into_bundle(folder.adapter, bundle)
    announced = {name: value for name, value in found.items() if "chance" not in name}
    loop.announce(event("adapter", path=str(delivered), **announced))
    loop.announce(event("done", step=outcome.n_steps, is_complete=outcome.is_complete))
    return AdapterOutcome(outcome.n_steps, outcome.is_complete, found)


def _refuse_accumulation(config: RunConfig) -> None:
    if config.accumulation > 1:
        message = (
            f"accumulation {config.accumulation} would change what {config.name} contrasts, and an "
            "adapter needs little memory; leave it at 1"
        )
        raise TrainValueError(message)


def _optimiser(method: nn.Module, config: RunConfig) -> torch.optim.AdamW:
    settings = config.optimiser
    trained = list(method.parameters())
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.lr, betas=settings.betas)
