"""Train and score cells, several at a time; what is done already is not done again."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path

from napari_tide.errors import OutputWriteError
from tide_train.bench.tables.cell_scores import CellScores, is_finished, write_cell_scores
from tide_train.bench.tables.codebook_case import mechanism_aucs
from tide_train.bench.tables.learned_codebook import LearnedCodebook
from tide_train.bench.tables.plan import MAIN_OF, Cell
from tide_train.bench.tables.read_out import MAIN, READ_OUTS, read_out
from tide_train.bench.tables.responses import RESPONSES, SCFM, score_responses
from tide_train.bench.tables.tasks import Scores, score_tasks
from tide_train.bench.tables.worlds import World, WorldKey, open_world
from tide_train.claim import claim, give_up
from tide_train.environment import device_name
from tide_train.methods.expression_response import ExpressionResponseConfig

CODEBOOK_AUC, FINGERPRINT_AUC = "codebook same mechanism AUC", "fingerprint same mechanism AUC"

Announce = Callable[[str], None]


def run_cells(cells: Sequence[Cell], out: Path, *, jobs: int, announce: Announce) -> int:
    """Do the cells that are not done, and give how many that were.

    A cell is done when its ``scores.json`` is there, which is written last; a run that was
    interrupted before begins anew. Several processes may share the folder: cells that another one
    has in hand are left to it, and waited for at the end.

    Raises
    ------
    TideError
        A cell cannot be trained; the others' results stay.
    """
    missing = [cell for cell in cells if not is_finished(cell.folder(out))]
    announce(f"{len(cells) - len(missing)} of {len(cells)} cells are done already")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_use_few_threads) as pool:
        worlds = dict.fromkeys(cell.world for cell in missing)
        for written in [pool.submit(_write_world, key, out / "worlds") for key in worlds]:
            written.result()  # before the cells, so that no two write one
        in_hand = _run_in(pool, missing, out, is_waiting=False, announce=announce)
        if in_hand:
            announce(f"{len(in_hand)} cells are in the hands of another process; waiting for it")
            _run_in(pool, in_hand, out, is_waiting=True, announce=announce)
    return len(missing)


def _run_in(
    pool: ProcessPoolExecutor,
    cells: Sequence[Cell],
    out: Path,
    *,
    is_waiting: bool,
    announce: Announce,
) -> list[Cell]:
    """Do cells in workers, and give those that another process has in hand."""
    in_hand = []
    waiting = {pool.submit(run_cell, cell, out, is_waiting=is_waiting): cell for cell in cells}
    try:
        for number, done in enumerate(as_completed(waiting), start=1):
            cell, took_s = waiting[done], done.result()
            if took_s is None:
                in_hand.append(cell)
                continue
            announce(
                f"{number}/{len(cells)}: {cell.arm}, {cell.world.name}, seed {cell.seed}, "
                f"{took_s:.0f} s"
            )
    except BaseException:  # Ctrl-C too: cells that wait are dropped, and it goes on upwards
        pool.shutdown(cancel_futures=True)
        raise
    return in_hand


def run_cell(cell: Cell, out: Path, *, is_waiting: bool = True) -> float | None:
    """Train and score one cell, and give the seconds it took.

    Where another process has it in hand, wait for that one; or, without `is_waiting`, give nothing.
    """
    start = time.perf_counter()
    folder = cell.folder(out)
    path = folder.with_name(folder.name + ".claim")
    with claim(path, is_waiting=is_waiting) as is_mine:
        if not is_mine:
            return None
        if not is_finished(folder):
            _train_and_score(cell, out)
    give_up(path)
    return time.perf_counter() - start


def _train_and_score(cell: Cell, out: Path) -> None:
    from tide_train.bench.tables.train_arm import train_arm

    start = time.perf_counter()
    folder = cell.folder(out)
    _clear(folder)
    world = _world(cell.world, out / "worlds")
    scores: dict[str, Scores] = {}
    if cell.arm == SCFM:
        scores[RESPONSES] = dict(score_responses(world, ExpressionResponseConfig(seed=cell.seed)))
        trained_s = time.perf_counter() - start
    else:
        spaces = train_arm(world, cell.arm, seed=cell.seed, folder=folder)
        trained_s = time.perf_counter() - start
        for name in _read_outs(cell):
            embedded = read_out(world.profiles, spaces, name, trained_on=world.is_trained_on)
            scores[name] = score_tasks(world, embedded)
        scores[MAIN] |= _codebook_scores(folder, world)
    found: CellScores = {
        "world": cell.world.name,
        "size": cell.world.size,
        "world_seed": cell.world.seed,
        "setting": cell.world.setting,
        "arm": cell.arm,
        "seed": cell.seed,
        "train_s": round(trained_s, 2),
        "cell_s": round(time.perf_counter() - start, 2),
        "device": "cpu" if world.pack is None else device_name(),
        "scores": scores,
    }
    write_cell_scores(folder, found)


def _clear(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        message = f"cannot clear {folder}: {error.strerror or error}; delete it or change --out"
        raise OutputWriteError(message) from error


def _codebook_scores(folder: Path, world: World) -> Scores:
    codebook = LearnedCodebook.read(folder)
    if codebook is None:
        return {}
    fingerprint, learned = mechanism_aucs(codebook, world.pathway_of)
    return {FINGERPRINT_AUC: fingerprint, CODEBOOK_AUC: learned}


def _read_outs(cell: Cell) -> Sequence[str]:
    """Show what alignment does in the main table only; it takes a third of a cell's time."""
    size = cell.world.size
    is_main = cell.arm in MAIN_OF[size] and cell.world == WorldKey(cell.world.seed, size=size)
    return READ_OUTS if is_main else (MAIN,)


def _write_world(key: WorldKey, folder: Path) -> None:
    path = folder / f"{key.name}.claim"
    with claim(path, is_waiting=True):
        open_world(key, folder)
    give_up(path)


@lru_cache(maxsize=1)
def _world(key: WorldKey, folder: Path) -> World:
    return open_world(key, folder)


def _use_few_threads() -> None:
    """Leave a core to each worker; what a GPU trains waits for little else."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
