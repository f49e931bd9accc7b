"""Train one arm on one world, and give the spaces of all its wells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from tide_train.bench.tables.arms import RAW, arm_config, needs_rna
from tide_train.bench.tables.worlds import World
from tide_train.checkpoint import BEST, load_tensors
from tide_train.events import Event
from tide_train.methods.method import Method
from tide_train.prepare import Prepared, prepare
from tide_train.run import make_accelerator
from tide_train.run_config import RunConfig
from tide_train.run_folder import RunFolder
from tide_train.training_loop import TrainingLoop

Rows = npt.NDArray[np.floating]


def train_arm(world: World, arm: str, *, seed: int, folder: Path) -> dict[str, Rows]:
    """Train an arm into a run's folder; its checkpoint is the last step's.

    Raises
    ------
    TideError
        The world cannot be trained on as configured.
    """
    if arm == RAW:
        return {"trunk": world.profiles.features}
    return train_config(world, arm_config(arm, seed=seed), folder, with_rna=needs_rna(arm))


def train_config(
    world: World, config: RunConfig, folder: Path, *, with_rna: bool
) -> dict[str, Rows]:
    """Train a configuration, and give the spaces of all wells of the world."""
    trained = train_method(world, config, folder, with_rna=with_rna)
    positions = [world.profiles.feature_names.index(name) for name in trained.data.channels]
    return spaces_of(trained.method, world.profiles.features[:, positions])


def train_method(world: World, config: RunConfig, folder: Path, *, with_rna: bool) -> Prepared:
    """Train a configuration to its end; what was prepared then holds the best checkpoint."""
    run = RunFolder(folder)
    run.create(config, {"world": world.key.name})
    prepared = prepare(
        config, world.training_table(), expression=world.expression if with_rna else None
    )
    loop = TrainingLoop(
        prepared,
        accelerator=make_accelerator(config, on_cpu=True),
        checkpoints=run.checkpoints,
        announce=lambda happened: _note(run, happened),
        should_stop=lambda: False,
    )
    loop.run()
    best = run.checkpoints / BEST
    if best.is_file():
        loop.method.load_state_dict(load_tensors(best)["method"])
    for path in run.checkpoints.iterdir():
        path.unlink()  # a run of seconds is not gone on with, and there are hundreds
    return prepared


@torch.no_grad()
def spaces_of(method: Method, rows_NF: Rows) -> dict[str, Rows]:
    """Embed rows of features in every space of a trained method."""
    method.eval()
    given = torch.from_numpy(np.ascontiguousarray(rows_NF, np.float32))
    found = method.spaces(method.used_encoder(given).pooled_BD)
    return {name: rows.float().numpy() for name, rows in found.items()}


def _note(run: RunFolder, happened: Event) -> None:
    if happened["event"] in ("step", "validation"):
        run.record(happened)
