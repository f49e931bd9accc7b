"""Random numbers by name: a part's first weights do not depend on what was built before it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def seeded(seed: int, name: str) -> Iterator[None]:
    """Draw torch's random numbers from a seed and a name, and leave the outer stream alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(zlib.crc32(f"{seed}:{name}".encode()))
        yield
