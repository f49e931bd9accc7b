"""Files that appear whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_tide.errors import OutputWriteError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then put it there.

    Raises
    ------
    OutputWriteError
        It cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        if partial.is_file():
            partial.unlink()
        message = f"cannot write {path}: {error.strerror or error}; choose another --out"
        raise OutputWriteError(message) from error


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
