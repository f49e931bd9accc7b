"""Batches on the device, read ahead of the training loop.

Threads read parts of a batch into pinned memory, one more thread sends whole batches to the device
on a stream of its own, and the loop gets them in order. What the loop waited is counted, so that a
run can show whether reading holds it back.
"""

# B tile, C channel, H and W of a tile

from __future__ import annotations

import queue
import time
import weakref
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from napari_tide.errors import OutOfMemoryError
from napari_tide.imaging.reading_threads import n_usable_cores
from tide_train.data.loop_clock import TimedBatches
from tide_train.data.tile_pack import TilePack
from tide_train.data.tile_shards import Rows, StoredTiles

_MOST_THREADS = 8
_FEWEST_TILES_A_PART = 16


@dataclass(frozen=True, slots=True, eq=False)
class TileBatch:
    """Rows of a pack and their pixels in [0, 1], on the device."""

    rows: Rows
    pixels_BCHW: torch.Tensor

    @property
    def inputs(self) -> torch.Tensor:
        """What an encoder takes."""
        return self.pixels_BCHW


class PackLoader(TimedBatches):
    """Reads the batches of a pack ahead, in their order.

    Leaving the loop, or the ``with`` block, ends all threads.

    Parameters
    ----------
    pack
        Where tiles come from.
    batches
        Rows of every batch, as `BatchOrder.batches` gives them; asked for `prefetch` batches ahead.
    device
        Where pixels go.
    prefetch
        Batches in memory beside the one in use.
    threads
        How many read; by default as many as cores, at most 8.
    pixel_type
        Type of the pixels on the device.
    """

    def __init__(
        self,
        pack: TilePack,
        batches: Iterable[Rows],
        *,
        device: torch.device | str = "cpu",
        prefetch: int = 3,
        threads: int | None = None,
        pixel_type: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self._pack, self._batches = pack, batches
        self._device, self._pixel_type = torch.device(device), pixel_type
        self._prefetch = max(prefetch, 1)
        self._n_threads = threads or min(n_usable_cores(), _MOST_THREADS)
        self._iterator: weakref.ref[Generator[TileBatch, None, None]] | None = None

    def close(self) -> None:
        """End all threads; what was read ahead is dropped."""
        under_way = self._iterator() if self._iterator is not None else None
        if under_way is not None:
            under_way.close()
        self._iterator = None

    def __iter__(self) -> Iterator[TileBatch]:
        """Give the batches; a loop under way is ended first."""
        self.close()
        iterator = self._iterate()
        self._iterator = weakref.ref(iterator)  # so that a loop that is left ends its threads
        return iterator

    def _iterate(self) -> Generator[TileBatch, None, None]:
        pipeline = _Pipeline(self._pack, self._device, self._pixel_type, self._n_threads)
        waiting: deque[Future[_Sent]] = deque()
        source = iter(self._batches)
        try:
            while True:
                began = time.perf_counter()
                while len(waiting) < self._prefetch and (rows := next(source, None)) is not None:
                    waiting.append(pipeline.submit(rows))
                if not waiting:
                    return
                batch = self._received(waiting.popleft().result())
                if (rows := next(source, None)) is not None:
                    waiting.append(pipeline.submit(rows))
                ready = time.perf_counter()
                self.clock.waited(ready - began)
                yield batch
                self.clock.worked(time.perf_counter() - ready)
        finally:
            pipeline.close()

    def _received(self, sent: _Sent) -> TileBatch:
        if sent.event is None:
            return TileBatch(sent.rows, sent.pixels_BCHW)
        stream = torch.cuda.current_stream(self._device)
        stream.wait_event(sent.event)
        sent.pixels_BCHW.record_stream(stream)
        # only now, since what waits is four times smaller as bytes
        pixels_BCHW = to_unit_range(sent.pixels_BCHW, self._pack.max_value, self._pixel_type)
        return TileBatch(sent.rows, pixels_BCHW)


def to_unit_range(
    stored_BCHW: torch.Tensor, max_value: int, pixel_type: torch.dtype = torch.float32
) -> torch.Tensor:
    """Turn stored bytes, or 16-bit values kept as ``int16``, into numbers in [0, 1]."""
    if stored_BCHW.dtype == torch.int16:  # few operations know unsigned 16-bit numbers
        stored_BCHW = stored_BCHW.to(torch.int32).bitwise_and_(0xFFFF)
    return stored_BCHW.to(torch.float32).div_(max_value).to(pixel_type)


@dataclass(frozen=True, slots=True, eq=False)
class _Sent:
    """A batch on the device in [0, 1], or as stored and on its way there; then with an event."""

    rows: Rows
    pixels_BCHW: torch.Tensor
    event: torch.cuda.Event | None


class _Pipeline:
    """Threads that read, and one that sends."""

    def __init__(
        self, pack: TilePack, device: torch.device, pixel_type: torch.dtype, n_threads: int
    ) -> None:
        self._pack, self._device, self._n_threads = pack, device, n_threads
        self._pixel_type = pixel_type
        self._readers = ThreadPoolExecutor(n_threads, thread_name_prefix="tide-pack-read")
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="tide-pack-send")
        self._is_cuda = device.type == "cuda"
        self._stream: torch.cuda.Stream | None = None
        if self._is_cuda:
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._free: queue.SimpleQueue[torch.Tensor] = queue.SimpleQueue()

    def submit(self, rows: Rows) -> Future[_Sent]:
        """Begin with a batch; batches arrive in the order they were begun."""
        wanted = np.asarray(rows, np.int64)
        try:
            stored_BCHW = self._buffer(len(wanted))
        except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
            raise _too_large(len(wanted)) from error
        tiles_BCHW = _as_numpy(stored_BCHW, self._pack)
        step = max(-(-len(wanted) // self._n_threads), _FEWEST_TILES_A_PART)
        parts = [
            self._readers.submit(
                self._pack.read, wanted[first : first + step], out=tiles_BCHW[first : first + step]
            )
            for first in range(0, len(wanted), step)
        ]
        return self._sender.submit(self._send, wanted, stored_BCHW, parts)

    def close(self) -> None:
        """Drop what has not begun and wait for the rest."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._sender.shutdown(wait=True, cancel_futures=True)

    def _buffer(self, n_rows: int) -> torch.Tensor:
        kind = torch.uint8 if self._pack.dtype == "uint8" else torch.int16
        shape = (n_rows, *self._pack.row_shape)
        if not self._is_cuda:
            return torch.empty(shape, dtype=kind)
        try:  # pinning memory is slow, so it is used again
            kept = self._free.get_nowait()
        except queue.Empty:
            return torch.empty(shape, dtype=kind, pin_memory=True)
        return kept if kept.shape == shape else torch.empty(shape, dtype=kind, pin_memory=True)

    def _send(
        self, rows: Rows, stored_BCHW: torch.Tensor, parts: list[Future[StoredTiles]]
    ) -> _Sent:
        for part in parts:
            part.result()
        if self._stream is None:
            there_BCHW = stored_BCHW.to(self._device)
            maximum = self._pack.max_value
            return _Sent(rows, to_unit_range(there_BCHW, maximum, self._pixel_type), None)
        try:
            with torch.cuda.stream(self._stream):
                there_BCHW = stored_BCHW.to(self._device, non_blocking=True)
                event = self._stream.record_event()
        except torch.OutOfMemoryError as error:
            raise _too_large(len(rows)) from error
        event.synchronize()  # until then the buffer is read
        self._free.put(stored_BCHW)
        return _Sent(rows, there_BCHW, event)


def _as_numpy(stored_BCHW: torch.Tensor, pack: TilePack) -> StoredTiles:
    tiles: StoredTiles = stored_BCHW.numpy().view(pack.dtype)
    return tiles


def _too_large(n_rows: int) -> OutOfMemoryError:
    return OutOfMemoryError(
        f"memory does not hold a batch of {n_rows} tiles; lower the batch size to {n_rows // 2}"
    )
