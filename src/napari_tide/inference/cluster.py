"""The same plan over the workers of a dask cluster.

Chunks and batches are those of a single process, so embeddings are the same. A worker that dies has
its chunks given to another. Workers read images and the student from paths, which must be the same
on every machine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from napari_tide.errors import ClusterError, ClusterValueError, MissingExtraError
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation
from napari_tide.inference.embedder import Embedder, Precision
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.plan import Chunk, ProfilePlan
from napari_tide.inference.run_chunk import run_chunks
from napari_tide.students.bundle import load_bundle

if TYPE_CHECKING:
    from distributed import Client

_DEATHS_ALLOWED = 10
_WAITING_PER_WORKER = 3
_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """What one worker needs for one chunk; small, and the same for every worker."""

    chunk: Chunk
    fields: tuple[FieldFiles, ...]
    bundle: Path
    device: str
    precision: Precision
    batch_tiles: int


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Connect to ``tcp://host:port``, or start ``local:N`` workers on this machine.

    Raises
    ------
    ClusterValueError
        The address is neither.
    ClusterError
        Nothing answers there.
    """
    distributed = _distributed()
    if address.startswith("local:"):
        count = address.removeprefix("local:")
        if not count.isdigit() or int(count) < 1:
            message = f"--cluster {address!r} says no number of workers; expected like local:4"
            raise ClusterValueError(message)
        with (
            distributed.LocalCluster(
                n_workers=int(count), threads_per_worker=1, dashboard_address=None
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    if not address.startswith(("tcp://", "tls://")):
        message = f"--cluster {address!r} is no cluster; expected local:4 or tcp://host:8786"
        raise ClusterValueError(message)
    try:
        client = distributed.Client(address, timeout=_TIMEOUT_S)
    except (OSError, TimeoutError) as error:
        message = f"no scheduler answers at {address}; start one with: dask scheduler"
        raise ClusterError(message) from error
    with client:
        yield client


def cluster_runner(
    client: Client,
    bundle: Path,
    embedder: Embedder,
    *,
    is_cancelled: Callable[[], bool] = bool,
) -> Callable[[ProfilePlan, Sequence[Chunk]], Iterator[ChunkRecord]]:
    """Give a runner that spreads chunks over the workers and gives records as they finish."""

    def run(plan: ProfilePlan, chunks: Sequence[Chunk]) -> Iterator[ChunkRecord]:
        distributed = _distributed()
        client.wait_for_workers(1, timeout=_TIMEOUT_S)
        preparation = client.scatter(_Packed.of(plan.preparation), broadcast=True)
        waiting = iter(chunks)
        running = distributed.as_completed(with_results=True, raise_errors=False)

        def submit_next() -> bool:
            chunk = next(waiting, None)
            if chunk is None or is_cancelled():
                return False
            fields = tuple(plan.fields_in(chunk))
            task = ChunkTask(
                chunk, fields, bundle.absolute(), embedder.device, embedder.precision,
                embedder.batch_tiles,
            )  # fmt: skip
            future = client.submit(run_task, task, preparation, retries=_DEATHS_ALLOWED, pure=False)
            running.add(future)
            return True

        n_workers = max(len(client.scheduler_info()["workers"]), 1)
        for _ in range(_WAITING_PER_WORKER * n_workers):
            if not submit_next():
                break
        for future, result in running:
            if future.status != "finished":
                _raise(future, result)
            yield result
            submit_next()

    return run


def run_task(task: ChunkTask, preparation: _Packed) -> ChunkRecord:
    """Do one chunk on a worker; the student is loaded once per worker process."""
    embedder = _embedder(task.bundle, task.device, task.precision, task.batch_tiles)
    alone = Chunk(task.chunk.number, 0, len(task.fields))
    plan = ProfilePlan(task.fields, [alone], preparation.unpack(), "")
    (record,) = run_chunks(plan, [alone], embedder)
    return record


@dataclass(frozen=True, slots=True)
class _Packed:
    """A preparation without its locks and caches, as it travels to workers."""

    arguments: tuple[tuple[str, object], ...]

    @classmethod
    def of(cls, preparation: FieldPreparation) -> _Packed:
        names = ("channels", "ranges", "tile_px", "stride_px", "edge", "output_px", "tile_type")
        kept = [(name, getattr(preparation, name)) for name in (*names, "illumination")]
        return cls(tuple(kept))

    def unpack(self) -> FieldPreparation:
        return FieldPreparation(**dict(self.arguments))  # type: ignore[arg-type]


@functools.lru_cache(maxsize=2)
def _embedder(bundle: Path, device: str, precision: Precision, batch_tiles: int) -> Embedder:
    return Embedder(load_bundle(bundle, device=device).student, device, precision, batch_tiles)


def _raise(future: object, result: object) -> None:
    if isinstance(result, tuple) and len(result) == 3 and isinstance(result[1], BaseException):
        error = result[1]
        distributed = _distributed()
        if isinstance(error, distributed.scheduler.KilledWorker):
            message = (
                "workers keep dying on the same sites, most often for lack of memory; give them "
                "more, or lower --batch-size, and run the same command again to go on"
            )
            raise ClusterError(message) from error
        raise error
    message = f"a chunk ended as {getattr(future, 'status', 'unknown')}; run the command again"
    raise ClusterError(message)


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        message = 'clusters need dask, which is not installed: pip install "napari-tide[scale]"'
        raise MissingExtraError(message) from error
    module: ModuleType = distributed
    return module
