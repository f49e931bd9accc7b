"""Train one arm on one world, and give the spaces of all its wells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from accelerate import Accelerator

from tide_train.bench.tables.arms import RAW, UNTRAINED, arm_config, needs_rna
from tide_train.bench.tables.learned_codebook import LearnedCodebook
from tide_train.bench.tables.worlds import World
from tide_train.checkpoint import BEST, load_tensors
from tide_train.data.pack_loader import PackLoader
from tide_train.data.tile_pack import TilePack
from tide_train.events import Event
from tide_train.methods.method import Method
from tide_train.prepare import Prepared, prepare
from tide_train.run import make_accelerator
from tide_train.run_config import RunConfig
from tide_train.run_folder import RunFolder
from tide_train.run_scfm import scfm_of_run
from tide_train.training_loop import TrainingLoop

Rows = npt.NDArray[np.floating]
_TILES_AT_ONCE = 1024


def train_arm(world: World, arm: str, *, seed: int, folder: Path) -> dict[str, Rows]:
    """Train an arm into a run's folder, and give the spaces of all wells of the world.

    Raises
    ------
    TideError
        The world cannot be trained on as configured.
    """
    if arm == RAW:
        return {"trunk": world.profiles.features}
    config = arm_config(arm, seed=seed, size=world.key.size)
    if arm == UNTRAINED:
        prepared = prepare(config, world.training_data())
        accelerator = _accelerator(world, config)
        found = spaces_of(prepared.method.to(accelerator.device), world, accelerator)
        return {"trunk": found["trunk"]}
    return train_config(world, config, folder, with_rna=needs_rna(arm))


def train_config(
    world: World, config: RunConfig, folder: Path, *, with_rna: bool
) -> dict[str, Rows]:
    """Train a configuration, and give the spaces of all wells of the world."""
    trained = train_method(world, config, folder, with_rna=with_rna)
    if trained.method.trains_drug_head:
        LearnedCodebook.of(trained).write(folder)
    return spaces_of(trained.method, world, _accelerator(world, config))


def train_method(world: World, config: RunConfig, folder: Path, *, with_rna: bool) -> Prepared:
    """Train a configuration to its end; what was prepared then holds the best checkpoint."""
    run = RunFolder(folder)
    run.create(config, {"world": world.key.name})
    expression = world.expression if with_rna else None
    scfm = None
    if expression is not None:
        scfm = scfm_of_run(config, expression, folder, announce=_ignore, should_stop=bool)
    prepared = prepare(config, world.training_data(), expression=expression, scfm=scfm)
    loop = TrainingLoop(
        prepared,
        accelerator=_accelerator(world, config),
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


def spaces_of(method: Method, world: World, accelerator: Accelerator) -> dict[str, Rows]:
    """Embed every well in every space of a trained method; a well of images is their mean."""
    method.eval()
    if world.pack is None:
        names = world.profiles.feature_names
        positions = [names.index(name) for name in method.student.encoder.channels]
        rows_NF = np.ascontiguousarray(world.profiles.features[:, positions], np.float32)
        return _spaces(method, torch.from_numpy(rows_NF))
    pack = world.pack
    batches = np.array_split(np.arange(len(pack)), max(len(pack) // _TILES_AT_ONCE, 1))
    parts: list[dict[str, Rows]] = []
    with PackLoader(pack, batches, device=accelerator.device) as loader, accelerator.autocast():
        parts.extend(_spaces(method, batch.inputs) for batch in loader)
    return {
        name: of_wells(world, pack, np.concatenate([part[name] for part in parts]))
        for name in parts[0]
    }


@torch.no_grad()
def _spaces(method: Method, samples: torch.Tensor) -> dict[str, Rows]:
    found = method.spaces(method.used_encoder(samples).pooled_BD)
    return {name: rows.float().cpu().numpy() for name, rows in found.items()}


def of_wells(world: World, pack: TilePack, rows_ND: Rows) -> Rows:
    """Average over the tiles of each well, in the order of the world's wells."""
    keys = ["Metadata_Plate", "Metadata_Well"]
    sums = pd.DataFrame(rows_ND).groupby([pack.metadata[key].to_numpy() for key in keys]).mean()
    wells = pd.MultiIndex.from_frame(world.profiles.metadata[keys])
    found: Rows = sums.reindex(wells).to_numpy(np.float32)
    return found


def _accelerator(world: World, config: RunConfig) -> Accelerator:
    """Features are trained on one core, several arms at a time; images where there is a GPU."""
    return make_accelerator(config, on_cpu=world.pack is None)


def _ignore(happened: Event) -> None:
    """Keep no curve of an scFM's own training."""


def _note(run: RunFolder, happened: Event) -> None:
    if happened["event"] in ("step", "validation"):
        run.record(happened)
