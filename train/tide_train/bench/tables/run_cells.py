"""Train and score cells, several at a time; what is done already is not done again."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

from tide_train.bench.tables.plan import MAIN_ARMS, Cell
from tide_train.bench.tables.read_out import MAIN, READ_OUTS, read_out
from tide_train.bench.tables.tasks import score_tasks
from tide_train.bench.tables.worlds import World, WorldKey, open_world

SCORES = "scores.json"

Announce = Callable[[str], None]


def run_cells(cells: Sequence[Cell], out: Path, *, jobs: int, announce: Announce) -> int:
    """Do the cells that are not done, and give how many that were.

    A cell is done when its ``scores.json`` is there, which is written last; a run that was
    interrupted before begins anew.

    Raises
    ------
    TideError
        A cell cannot be trained; the others' results stay.
    """
    missing = [cell for cell in cells if not (cell.folder(out) / SCORES).is_file()]
    announce(f"{len(cells) - len(missing)} of {len(cells)} cells are done already")
    for key in dict.fromkeys(cell.world for cell in missing):
        open_world(key, out / "worlds")  # before the workers, so that no two write one
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_use_one_thread) as pool:
        waiting = {pool.submit(run_cell, cell, out): cell for cell in missing}
        try:
            for number, done in enumerate(as_completed(waiting), start=1):
                cell = waiting[done]
                took_s = done.result()
                announce(
                    f"{number}/{len(missing)}: {cell.arm}, {cell.world.name}, seed {cell.seed}, "
                    f"{took_s:.0f} s"
                )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return len(missing)


def run_cell(cell: Cell, out: Path) -> float:
    """Train and score one cell, and give the seconds it took."""
    from tide_train.bench.tables.train_arm import train_arm

    start = time.perf_counter()
    folder = cell.folder(out)
    if (folder / SCORES).is_file():
        return 0.0  # another process that shares the folder was quicker
    if folder.exists():
        shutil.rmtree(folder)
    world = _world(cell.world, out / "worlds")
    spaces = train_arm(world, cell.arm, seed=cell.seed, folder=folder)
    trained_s = time.perf_counter() - start
    scores = {
        name: score_tasks(
            world, read_out(world.profiles, spaces, name, trained_on=world.is_trained_on)
        )
        for name in _read_outs(cell)
    }
    found = {
        "world": cell.world.name,
        "world_seed": cell.world.seed,
        "setting": cell.world.setting,
        "arm": cell.arm,
        "seed": cell.seed,
        "train_s": round(trained_s, 2),
        "scores": scores,
    }
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / (SCORES + ".partial")
    partial.write_text(json.dumps(found), encoding="utf-8")
    os.replace(partial, folder / SCORES)  # noqa: PTH105 - the same call on every system
    return time.perf_counter() - start


def _read_outs(cell: Cell) -> Sequence[str]:
    """Show what alignment does in the main table only; it takes a third of a cell's time."""
    is_main = cell.arm in MAIN_ARMS and cell.world == WorldKey(cell.world.seed)
    return READ_OUTS if is_main else (MAIN,)


@lru_cache(maxsize=1)
def _world(key: WorldKey, folder: Path) -> World:
    return open_world(key, folder)


def _use_one_thread() -> None:
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
