"""Peak memory of profiling a whole 384-well plate, in a process of its own."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from napari_tide.inference.embedder import CPU_BATCH_TILES, Embedder
from napari_tide.inference.profile_screen import profile_screen
from tide_train.bench.plate_of_fields import plate_of_fields
from tide_train.bench.untrained_student import untrained_bundle
from tide_train.peak_memory import peak_memory_bytes

GOAL_BYTES = 4 * 1024**3
TINY_PX = 32  # resized tiles of this side make the encoder cheap; planes stay 1080 x 1080


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """The most memory a piece of work took at any time, of its whole process."""

    what: str
    peak_bytes: int
    seconds: float
    goal_bytes: int = GOAL_BYTES

    @property
    def is_met(self) -> bool:
        """Tell whether the goal is met."""
        return self.peak_bytes < self.goal_bytes


def measure_plate_memory(
    *,
    n_wells: int = 384,
    n_sites: int = 9,
    size: str = "micro",
    image_px: int = TINY_PX,
    n_fields: int = 8,
) -> MemoryRow:
    """Profile a plate of five 1080 x 1080 planes a site and give the process's peak memory.

    Parameters
    ----------
    n_wells, n_sites
        The plate; its sites share `n_fields` fields on disk.
    size, image_px
        The encoder. With ``small`` and 224 px the peak is that of ViT-S, but a plate takes hours
        on a CPU: give it a few wells, since memory does not grow with the plate.
    """
    start = time.perf_counter()
    # spawn: a forked child would count its parent's pages as its own
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_profile_and_report, args=(sender, n_wells, n_sites, size, image_px, n_fields)
    )
    child.start()
    sender.close()
    peak_bytes: int = receiver.recv()
    child.join()
    what = (
        f"profiling {n_wells} wells x {n_sites} sites x 5 x 1080 x 1080, ViT {size} on tiles of "
        f"{image_px} px"
    )
    return MemoryRow(what, peak_bytes, time.perf_counter() - start)


def _profile_and_report(
    sender: multiprocessing.connection.Connection,
    n_wells: int,
    n_sites: int,
    size: str,
    image_px: int,
    n_fields: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screen = plate_of_fields(
            folder / "plate", n_wells=n_wells, n_sites=n_sites, n_fields=n_fields
        )
        bundle = untrained_bundle(folder / "student", size=size, image_px=image_px)
        embedder = Embedder(bundle.student, "cpu", "fp32", CPU_BATCH_TILES)
        profile_screen(screen, bundle, folder / "p.parquet", embedder=embedder)
    sender.send(peak_memory_bytes())
    sender.close()
