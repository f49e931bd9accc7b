"""What files hash to together, so that a run can say on which ones it stood."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path


def hash_of_files(paths: Sequence[Path]) -> str:
    """Give the SHA-256 of the files' own SHA-256, in the order given."""
    together = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            together.update(hashlib.file_digest(file, "sha256").digest())
    return together.hexdigest()
