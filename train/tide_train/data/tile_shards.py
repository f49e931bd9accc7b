"""Tiles of a pack on disk: ``tiles-00000.npy`` and so on, some hundred tiles in each.

Plain arrays read by position, because training reads tiles in random order: one read call a tile
was measured at least 30 times faster than a sharded zarr array, whose codecs save a tenth of the
bytes (docs/performance.md). NumPy opens a shard as it is.
"""

# N tile, C channel, H and W of a tile

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from napari_tide.errors import OutputWriteError, PackFormatError

StoredTiles = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Rows = npt.NDArray[np.int64]

TILES_PER_SHARD = 512
HEADER_BYTES = 128


@dataclass(frozen=True, slots=True)
class ShardLayout:
    """Where each tile lies: which shard, and where in it.

    Parameters
    ----------
    folder
        The pack.
    tile_shape
        Channel, height and width.
    dtype
        ``uint8`` or ``uint16``.
    tiles_per_shard
        In every shard but the last.
    """

    folder: Path
    tile_shape: tuple[int, int, int]
    dtype: np.dtype[np.uint8] | np.dtype[np.uint16]
    tiles_per_shard: int = TILES_PER_SHARD

    @property
    def tile_bytes(self) -> int:
        """Size of one tile."""
        return math.prod(self.tile_shape) * self.dtype.itemsize

    def path(self, shard: int) -> Path:
        """Give a shard's file."""
        return self.folder / f"tiles-{shard:05d}.npy"

    def n_shards(self, n_tiles: int) -> int:
        """Count the shards of so many tiles."""
        return -(-n_tiles // self.tiles_per_shard)

    def sizes(self, n_tiles: int) -> Iterator[tuple[Path, int]]:
        """Give every shard's file and the size it must have."""
        for shard in range(self.n_shards(n_tiles)):
            here = min(self.tiles_per_shard, n_tiles - shard * self.tiles_per_shard)
            yield self.path(shard), HEADER_BYTES + here * self.tile_bytes

    def header(self, n_tiles: int) -> bytes:
        """Give the first bytes of a shard: those of a ``.npy`` file, always as long."""
        shape = (n_tiles, *self.tile_shape)
        said = f"{{'descr': '{self.dtype.newbyteorder('<').str}', 'fortran_order': False, "
        said += f"'shape': {shape}, }}"
        magic = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")
        return magic + said.ljust(HEADER_BYTES - 11).encode("ascii") + b"\n"


class ShardWriter:
    """Appends tiles from a position on; what lay behind it, such as a torn write, is replaced."""

    def __init__(self, layout: ShardLayout, n_tiles: int = 0) -> None:
        self.layout, self.n_tiles = layout, n_tiles
        self._file: FileIO | None = None
        self._path: Path | None = None

    def __enter__(self) -> Self:
        """Start writing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the shard under way."""
        self._close()

    def append(self, tiles_NCHW: StoredTiles) -> None:
        """Write tiles behind the others; they are with the operating system when this returns.

        Raises
        ------
        OutputWriteError
            The disk is full or gone; what was written before stays.
        """
        layout, first = self.layout, 0
        content = np.ascontiguousarray(tiles_NCHW).data.cast("B")
        while first < len(tiles_NCHW):
            shard, within = divmod(self.n_tiles, layout.tiles_per_shard)
            here = min(len(tiles_NCHW) - first, layout.tiles_per_shard - within)
            part = content[first * layout.tile_bytes : (first + here) * layout.tile_bytes]
            self._write(shard, HEADER_BYTES + within * layout.tile_bytes, part)
            self.n_tiles += here
            first += here

    def finish(self) -> None:
        """Cut the last shard to its tiles, drop any behind it, and wait for the disk."""
        layout = self.layout
        n_shards = layout.n_shards(self.n_tiles)
        if n_shards:
            last = self.n_tiles - (n_shards - 1) * layout.tiles_per_shard
            self._write(n_shards - 1, 0, memoryview(layout.header(last)))
        self._close()
        for path in layout.folder.glob("tiles-*.npy"):
            if int(path.stem.removeprefix("tiles-")) >= n_shards:
                path.unlink()
        for path, n_bytes in layout.sizes(self.n_tiles):
            try:
                with path.open("r+b") as file:
                    file.truncate(n_bytes)
                    os.fsync(file.fileno())
            except OSError as error:
                raise _cannot_write(path, error) from error

    def _write(self, shard: int, offset: int, content: memoryview) -> None:
        path = self.layout.path(shard)
        try:
            if path != self._path:
                self._open(path)
            assert self._file is not None
            self._file.seek(offset)
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise _cannot_write(path, error) from error

    def _open(self, path: Path) -> None:
        self._close()
        # unbuffered: after a failed write nothing may be left to be written later
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._path = path
        self._file.write(self.layout.header(self.layout.tiles_per_shard))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._path = None


def read_tiles(layout: ShardLayout, rows: Rows, tiles_NCHW: StoredTiles) -> None:
    """Fill an array with tiles in any order; safe to call from many threads and processes.

    Raises
    ------
    PackFormatError
        A shard is missing, cut short or cannot be read.
    """
    if not len(rows):
        return
    content, size = tiles_NCHW.data.cast("B"), layout.tile_bytes
    shards, within = np.divmod(rows, layout.tiles_per_shard)
    order = np.lexsort((within, shards))
    starts = np.flatnonzero(np.diff(shards[order], prepend=-1))
    for places in np.split(order, starts[1:]):
        path = layout.path(int(shards[places[0]]))
        try:
            with path.open("rb", buffering=0) as file:
                for place in places.tolist():
                    file.seek(HEADER_BYTES + int(within[place]) * size)
                    _read_into(file, content[place * size : (place + 1) * size], path)
        except OSError as error:
            message = f"{path} cannot be read ({error.strerror}); pack the screen again"
            raise PackFormatError(message) from error


def require_whole_shards(layout: ShardLayout, n_tiles: int) -> None:
    """Refuse a pack whose shards are missing or of the wrong size."""
    for path, n_bytes in layout.sizes(n_tiles):
        try:
            found = path.stat().st_size
        except OSError as error:
            message = f"{path} is not there ({error.strerror}); pack the screen again"
            raise PackFormatError(message) from error
        if found != n_bytes:
            message = (
                f"{path} has {found:,} bytes, expected {n_bytes:,}; copy it again, or pack the "
                "screen again"
            )
            raise PackFormatError(message)


def _read_into(file: FileIO, content: memoryview, path: Path) -> None:
    while content:
        n_read = file.readinto(content)
        if not n_read:
            message = f"{path} is cut short; copy it again, or pack the screen again"
            raise PackFormatError(message)
        content = content[n_read:]


def _cannot_write(path: Path, error: OSError) -> OutputWriteError:
    return OutputWriteError(
        f"cannot write {path} ({error.strerror}); free some space and run the same command again, "
        "it goes on where it stopped"
    )
