"""The same plan over the workers of a dask cluster.

Chunks and batches are those of a single process, so embeddings are the same. A worker that dies has
its chunks given to another. Workers read images and the student from paths, which must be the same
on every machine.
"""

from __future__ import annotations

import functools
import itertools
import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from napari_tide.errors import ClusterError, ClusterValueError, MissingExtraError
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation
from napari_tide.inference.cells import CellCutting
from napari_tide.inference.embedder import Embedder, Precision
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.plan import Chunk, ProfilePlan
from napari_tide.inference.run_chunk import run_chunks
from napari_tide.students.bundle import load_bundle

if TYPE_CHECKING:
    from distributed import Client, Future

_DEATHS_ALLOWED = 10
_RETRIES = 1  # of a chunk that failed for another reason than a worker's death
_LOOK_EVERY_S = 0.2  # at whether the run was cancelled
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
    cells: CellCutting | None
    preparation: _Packed


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
    logging.getLogger("distributed").setLevel(logging.WARNING)  # it reports every handshake
    if address.startswith("local:"):
        count = address.removeprefix("local:")
        if not count.isdigit() or int(count) < 1:
            message = f"--cluster {address!r} says no number of workers; expected like local:4"
            raise ClusterValueError(message)
        with (
            _allowing_deaths(),
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
        spread = _Spread(client, plan, bundle.absolute(), embedder)
        try:
            waiting = iter(chunks)
            for chunk in itertools.islice(waiting, _WAITING_PER_WORKER * spread.n_workers):
                spread.submit(chunk)
            while spread.pending and not is_cancelled():
                record = spread.next_record()
                if record is None:
                    continue
                yield record
                for chunk in itertools.islice(waiting, 1):
                    spread.submit(chunk)
        finally:  # also after an error and on Ctrl-C: nothing is left running for nobody
            client.cancel(list(spread.pending), force=True)

    return run


class _Spread:
    """The chunks that are with workers now; finished ones come back through a queue."""

    def __init__(self, client: Client, plan: ProfilePlan, bundle: Path, embedder: Embedder) -> None:
        try:
            client.wait_for_workers(1, timeout=_TIMEOUT_S)
        except TimeoutError as error:
            message = f"the cluster has had no worker for {_TIMEOUT_S} s; start some and run again"
            raise ClusterError(message) from error
        self.n_workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
        self.pending: set[Future] = set()
        self._client, self._plan, self._bundle, self._embedder = client, plan, bundle, embedder
        self._finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        # sent with every task, not scattered: what lies with workers alone dies with them
        self._preparation = _Packed.of(plan.preparation)

    def submit(self, chunk: Chunk) -> None:
        use = self._embedder
        task = ChunkTask(
            chunk,
            tuple(self._plan.fields_in(chunk)),
            self._bundle,
            use.device,
            use.precision,
            use.batch_tiles,
            self._plan.cells,
            self._preparation,
        )
        future = self._client.submit(run_task, task, retries=_RETRIES, pure=False)
        self.pending.add(future)
        future.add_done_callback(self._finished.put)

    def next_record(self) -> ChunkRecord | None:
        """Give a finished chunk, or nothing if none finishes soon."""
        try:
            future = self._finished.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            return None
        self.pending.discard(future)
        # a result lost with its worker is made again while `result` waits
        if future.status not in ("finished", "lost"):
            _raise(future)
        record: ChunkRecord = future.result()
        return record


def run_task(task: ChunkTask) -> ChunkRecord:
    """Do one chunk on a worker; the student is loaded once per worker process."""
    embedder = _embedder(task.bundle, task.device, task.precision, task.batch_tiles)
    alone = Chunk(task.chunk.number, 0, len(task.fields))
    plan = ProfilePlan(task.fields, [alone], task.preparation.unpack(), "", task.cells)
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


def _raise(future: Future) -> None:
    error = future.exception() if future.status == "error" else None
    if isinstance(error, _distributed().scheduler.KilledWorker):
        message = (
            "workers keep dying on the same sites, most often for lack of memory; give them "
            "more, or lower --batch-size, and run the same command again to go on"
        )
        raise ClusterError(message) from error
    if error is not None:
        raise error
    message = (
        f"a chunk of sites was {future.status} on the cluster, most often because the scheduler is "
        "gone; run the same command again to go on"
    )
    raise ClusterError(message)


@contextmanager
def _allowing_deaths() -> Iterator[None]:
    import dask

    with dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS_ALLOWED}):
        yield


def _distributed() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        message = 'clusters need dask, which is not installed: pip install "napari-tide[scale]"'
        raise MissingExtraError(message) from error
    module: ModuleType = distributed
    return module
