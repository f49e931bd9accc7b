"""A map of 30,000 fingerprints, as many as a large screen has compounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_tide.profiles.project import project
from tide_train.bench.speed_row import TimeRow, time_work

GOAL_S = 60.0
N_FINGERPRINTS = 30_000
_N_BITS = 2048
# drug-like FCFP4 fingerprints have some 40 of 2,048 bits set; families share most of theirs
_BITS_SET = 40
_BITS_CHANGED = 12
_FAMILY = 10


def time_map(*, n_fingerprints: int = N_FINGERPRINTS, n_rounds: int = 1) -> TimeRow:
    """Time the fingerprint map, after a small one that compiles its parts."""
    project(random_fingerprints(500), space="fingerprint")
    bits = random_fingerprints(n_fingerprints)
    return time_work(
        lambda: project(bits, space="fingerprint"),
        what=f"UMAP of {n_fingerprints:,} fingerprints by Jaccard distance",
        goal_s=GOAL_S,
        n_rounds=n_rounds,
        warms_up=False,
    )


def random_fingerprints(n_fingerprints: int, *, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Make fingerprints in families of ten that share most of their bits."""
    random = np.random.default_rng(seed)
    n_families = -(-n_fingerprints // _FAMILY)
    bits = np.zeros((n_families * _FAMILY, _N_BITS), np.uint8)
    for family in range(n_families):
        core = random.choice(_N_BITS, _BITS_SET, replace=False)
        for row in range(family * _FAMILY, (family + 1) * _FAMILY):
            kept = random.permutation(core)[_BITS_CHANGED:]
            bits[row, kept] = 1
            bits[row, random.choice(_N_BITS, _BITS_CHANGED, replace=False)] = 1
    return bits[:n_fingerprints]
