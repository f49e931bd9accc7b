"""How much faster two workers of a cluster are than one, on one machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from napari_tide.inference.cluster import cluster_runner, connect
from napari_tide.inference.embedder import CPU_BATCH_TILES, Embedder
from napari_tide.inference.profile_screen import profile_screen
from tide_train.bench.plate_of_fields import plate_of_fields
from tide_train.bench.speed_row import SpeedRow
from tide_train.bench.untrained_student import untrained_bundle

GOAL = 1 / 1.7


def time_cluster(*, n_sites: int = 48, size: str = "tiny") -> SpeedRow:
    """Time a plate over two workers against one; starting the workers is not counted.

    Workers have one thread each, so one worker leaves the other cores idle.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = {n_workers: _seconds(folder, n_workers, n_sites, size) for n_workers in (1, 2)}
    ratio = seconds[2] / seconds[1]
    what = f"{n_sites} sites of 5 x 1080 x 1080, ViT {size}, over two workers"
    return SpeedRow(what, seconds[2], "the same over one worker", seconds[1], ratio, GOAL)


def _seconds(folder: Path, n_workers: int, n_sites: int, size: str) -> float:
    screen = plate_of_fields(folder / "plate", n_wells=n_sites, n_sites=1)
    warm_up = screen.with_sites(screen.sites.iloc[: 4 * n_workers])
    bundle = untrained_bundle(folder / "student", size=size)
    embedder = Embedder(bundle.student, "cpu", "fp32", CPU_BATCH_TILES)
    with connect(f"local:{n_workers}") as client:
        client.wait_for_workers(n_workers)
        for sites in (warm_up, screen):
            runner = cluster_runner(client, bundle.folder, embedder)
            start = time.perf_counter()
            profile_screen(
                sites,
                bundle,
                folder / "p.parquet",
                embedder=embedder,
                overwrite=True,
                runner=runner,
            )
    return time.perf_counter() - start
