"""Files that others of a group or a cluster can read, as the user's umask says."""

from __future__ import annotations

import os
from pathlib import Path


def as_readable_as_usual(path: Path) -> None:
    """Give a file the permissions a new one gets; safetensors writes for its owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)
