"""Random numbers by name: every part of a world has a stream of its own.

A stream depends on the seed and its name only, so adding a part, or drawing more in one, leaves all
others as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Give the generator of the part called `name` in the world with this seed."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, name)))


def stream_seed(seed: int, *name: str | int) -> int:
    """Give one non-negative 63-bit number for a renderer that seeds itself."""
    return int(_sequence(seed, name).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _sequence(seed: int, name: tuple[str | int, ...]) -> np.random.SeedSequence:
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    return np.random.SeedSequence(entropy=seed, spawn_key=tuple(int(word) for word in words))
