"""What a run has finished, appended chunk by chunk, so that a kill loses only the chunk under way.

A record is a header (lengths and a checksum), JSON, and embeddings. A record cut short by a kill is
found by its length or checksum and written again.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import psutil

from napari_tide.errors import OutputExistsError, OutputWriteError

_HEADER = struct.Struct("<4sIQI")
_MAGIC = b"tide"
_PLAN_CHUNK = -1


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRecord:
    """A finished chunk: what is said about its sites, and their tiles' embeddings."""

    chunk: int
    facts: dict[str, object]
    embeddings_ND: npt.NDArray[np.float32]


class Journal:
    """The append-only file of a run; only one process may write it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path.with_name(path.name + ".lock")
        self._file: FileIO | None = None
        self._offsets: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Take the lock and open the file where its last whole record ends.

        Raises
        ------
        OutputExistsError
            Another running process writes it.
        """
        self._take_lock()
        try:
            # unbuffered: after a failed write nothing may be left to be written later
            self._file = self.path.open("r+b" if self.path.exists() else "w+b", buffering=0)
        except OSError as error:
            self._lock.unlink(missing_ok=True)
            message = f"cannot write {self.path} ({error.strerror}); choose another --out"
            raise OutputWriteError(message) from error
        end = 0
        for offset, next_offset, record in self._scan():
            self._offsets[record.chunk] = offset
            end = next_offset
        self._file.seek(end)
        self._file.truncate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file and give the lock back."""
        if self._file is not None:
            self._file.close()
        self._lock.unlink(missing_ok=True)

    @property
    def plan(self) -> dict[str, object] | None:
        """What the run that began this file said about itself."""
        return self.read(_PLAN_CHUNK).facts if _PLAN_CHUNK in self._offsets else None

    def begin(self, plan: dict[str, object]) -> None:
        """Write the plan as the first record."""
        self.append(ChunkRecord(_PLAN_CHUNK, plan, np.zeros((0, 0), np.float32)))

    @property
    def finished(self) -> set[int]:
        """The chunks that are done."""
        return set(self._offsets) - {_PLAN_CHUNK}

    def append(self, record: ChunkRecord) -> None:
        """Write a finished chunk; it is on disk when this returns.

        Raises
        ------
        OutputWriteError
            The disk is full or gone; what was written before stays.
        """
        assert self._file is not None
        shape = list(record.embeddings_ND.shape)
        said = json.dumps({"chunk": record.chunk, "shape": shape, "facts": record.facts}).encode()
        payload = np.ascontiguousarray(record.embeddings_ND, np.float32).tobytes()
        body = said + payload
        header = _HEADER.pack(_MAGIC, len(said), len(payload), zlib.crc32(body))
        start = self._file.seek(0, os.SEEK_END)
        try:
            _write_all(self._file, header + body)
        except OSError as error:
            with suppress(OSError):  # a torn record at the end is found by its checksum
                self._file.truncate(start)
            message = (
                f"cannot write {self.path} ({error.strerror}); free some space and run the same "
                "command again, it goes on where it stopped"
            )
            raise OutputWriteError(message) from error
        self._offsets[record.chunk] = start

    def read(self, chunk: int) -> ChunkRecord:
        """Read a finished chunk."""
        assert self._file is not None
        found = self._read_at(self._offsets[chunk])
        assert found is not None
        return found[1]

    def _scan(self) -> Iterator[tuple[int, int, ChunkRecord]]:
        offset = 0
        while (found := self._read_at(offset)) is not None:
            yield offset, found[0], found[1]
            offset = found[0]

    def _read_at(self, offset: int) -> tuple[int, ChunkRecord] | None:
        assert self._file is not None
        return _read_record(self._file, offset, self.path.stat().st_size)

    def _take_lock(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError as error:
            owner = _owner_of(self._lock)
            if owner is not None:
                message = (
                    f"{self.path} is being written by {owner}; wait for it or choose another --out"
                )
                raise OutputExistsError(message) from error
            self._lock.unlink(missing_ok=True)
            descriptor = os.open(self._lock, os.O_CREAT | os.O_WRONLY)
        except OSError as error:
            message = f"cannot write beside {self.path} ({error.strerror}); choose another --out"
            raise OutputWriteError(message) from error
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{os.getpid()} {psutil.Process().create_time()} {socket.gethostname()}")
        except OSError as error:
            self._lock.unlink(missing_ok=True)
            message = f"cannot write beside {self.path} ({error.strerror}); choose another --out"
            raise OutputWriteError(message) from error


def unfinished_plan(out: Path) -> dict[str, object] | None:
    """Give what an unfinished run to `out` said about itself, if there is one; takes no lock."""
    path = journal_path(out)
    try:
        with path.open("rb", buffering=0) as file:
            found = _read_record(file, 0, path.stat().st_size)
    except OSError:
        return None
    return found[1].facts if found is not None and found[1].chunk == _PLAN_CHUNK else None


def read_records(path: Path) -> Iterator[ChunkRecord]:
    """Give the whole records of a file, as written; takes no lock, and a missing file has none."""
    try:
        with path.open("rb", buffering=0) as file:
            offset, size = 0, path.stat().st_size
            while (found := _read_record(file, offset, size)) is not None:
                offset = found[0]
                if found[1].chunk != _PLAN_CHUNK:
                    yield found[1]
    except FileNotFoundError:
        return


def journal_path(out: Path) -> Path:
    """Give where the journal of a run to `out` lies."""
    return out.with_name(out.name + ".journal")


def _read_record(file: FileIO, offset: int, file_size: int) -> tuple[int, ChunkRecord] | None:
    """Read one whole record and where the next begins; nothing where it is cut short or damaged."""
    file.seek(offset)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, n_said, n_payload, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or n_said + n_payload > file_size:
        return None
    body = file.read(n_said + n_payload)
    if len(body) < n_said + n_payload or zlib.crc32(body) != checksum:
        return None
    said = json.loads(body[:n_said])
    embeddings = np.frombuffer(body, np.float32, offset=n_said).reshape(said["shape"])
    record = ChunkRecord(said["chunk"], said["facts"], embeddings)
    return offset + _HEADER.size + len(body), record


def _write_all(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _owner_of(lock: Path) -> str | None:
    """Say who holds the lock, unless that process is gone (a kill leaves the file behind)."""
    try:
        number, started, machine = lock.read_text().split()
        if machine != socket.gethostname():  # its processes cannot be seen from here
            return f"process {number} on {machine} (if that one is gone, delete {lock.name})"
        process = psutil.Process(int(number))
        is_alive = process.create_time() == float(started)
    except (OSError, ValueError, psutil.Error):
        return None
    return f"process {number}" if is_alive else None
