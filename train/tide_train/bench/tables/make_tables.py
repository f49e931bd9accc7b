"""The benchmark from beginning to end: plan, train, score, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_tide.errors import TrainValueError
from tide_train.bench.tables.plan import PARTS, Cell, Part, planned_cells
from tide_train.bench.tables.run_cells import run_cells
from tide_train.bench.tables.worlds import Size
from tide_train.bench.tables.write_report import Report, write_report


@dataclass(frozen=True, slots=True)
class TablesRequest:
    """What somebody asked for.

    Parameters
    ----------
    worlds, seeds
        Of worlds and of trainings, such as ``0-2`` or ``0,4``.
    parts
        Which parts of the benchmark.
    size
        ``mini``: features; ``paper``: images, on a GPU; ``tiny``: a few images, to try it out.
    arms
        Only these, such as ``labels,tide``; all by default.
    """

    out: Path
    worlds: str
    seeds: str = "0,1"
    parts: tuple[Part, ...] = PARTS
    jobs: int = 2
    size: Size = "mini"
    arms: str = ""

    @property
    def command(self) -> str:
        """The command that asks for it."""
        parts = "" if self.parts == PARTS else "".join(f" --part {part}" for part in self.parts)
        arms = f" --arms {self.arms}" if self.arms else ""
        return (
            f"tide bench tables --preset {self.size} --worlds {self.worlds} --seeds {self.seeds}"
            f"{parts}{arms}"
        )


def make_tables(request: TablesRequest, *, announce: Callable[[str], None]) -> Report:
    """Do what is not done yet, and write the report of all that is.

    Raises
    ------
    TideError
        A list of seeds cannot be read, or a cell cannot be trained or written.
    """
    worlds, seeds = numbers(request.worlds, "--worlds"), numbers(request.seeds, "--seeds")
    cells = planned_cells(worlds, seeds, request.parts, size=request.size)
    chosen = chosen_arms(request.arms, cells)
    cells = [cell for cell in cells if cell.arm in chosen]
    start = time.perf_counter()
    run_cells(cells, request.out, jobs=request.jobs, announce=announce)
    announce(f"{(time.perf_counter() - start) / 60:.0f} minutes")
    return write_report(request.out, command=request.command, size=request.size)


def chosen_arms(text: str, cells: Sequence[Cell]) -> frozenset[str]:
    """Read ``labels,tide``; nothing stands for all.

    Raises
    ------
    TrainValueError
        None of the cells is of such an arm.
    """
    there = dict.fromkeys(cell.arm for cell in cells)
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in there]
    if unknown:
        message = f"no arm {unknown[0]!r} in these parts. Available: {', '.join(there)}"
        raise TrainValueError(message)
    return frozenset(chosen or there)


def numbers(text: str, option: str) -> Sequence[int]:
    """Read ``0-3`` or ``0,2,5-7``.

    Raises
    ------
    TrainValueError
        It is no list of whole numbers.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            message = f"{option} {text!r} is no list of seeds; write it as 0-3 or 0,2,5"
            raise TrainValueError(message)
        begin, end = int(first), int(last or first)
        if end < begin:
            message = f"{option} {part.strip()} runs backwards; write it as {end}-{begin}"
            raise TrainValueError(message)
        found += range(begin, end + 1)
    return list(dict.fromkeys(found))
