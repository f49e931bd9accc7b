"""A claim on a piece of work that several processes could take, on one machine or a shared disk.

The claim is a lock of the operating system on a small file, so it ends with its owner, however that
ends: a killed process leaves nothing that has to be cleared away.
"""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from napari_tide.errors import OutputWriteError

_TAKEN = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
_POLL_S = 0.2


@contextmanager
def claim(path: Path, *, is_waiting: bool) -> Iterator[bool]:
    """Hold a file for yourself, and say whether that was possible.

    Parameters
    ----------
    path
        The file, made where it is not there. Whoever has finished the work for good may delete it.
    is_waiting
        Wait for another owner to end, instead of giving up at once.

    Raises
    ------
    OutputWriteError
        The file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        message = f"cannot write {path}: {error.strerror or error}; make room or choose another out"
        raise OutputWriteError(message) from error
    with file:  # closing it gives the claim back
        is_mine = _is_locked(file)
        while is_waiting and not is_mine:
            time.sleep(_POLL_S)
            is_mine = _is_locked(file)
        yield is_mine


def give_up(path: Path) -> None:
    """Delete a claim's file, once nobody needs to take it any more."""
    with suppress(OSError):  # Windows keeps an open file; it is empty and does no harm
        path.unlink(missing_ok=True)


def _is_locked(file: BinaryIO) -> bool:
    try:
        _lock(file)
    except OSError as error:
        # a disk that knows no locks (some network shares) is worked on as if one were alone
        return error.errno not in _TAKEN
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
