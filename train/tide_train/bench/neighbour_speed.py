"""Exact nearest neighbours of 30,000 profiles among 20,000, against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors  # type: ignore[import-untyped, unused-ignore]

from napari_tide.discovery.nearest import nearest_by_cosine
from tide_train.bench.speed_row import SpeedRow, compare_speed

N_QUERIES, N_REFERENCES, N_FEATURES, N_NEIGHBOURS = 30_000, 20_000, 384, 20
GOAL = 1.0


def time_neighbours(
    *, n_queries: int = N_QUERIES, n_references: int = N_REFERENCES, n_rounds: int = 3
) -> SpeedRow:
    """Time both sides in turns on the same random profiles."""
    random = np.random.default_rng(0)
    queries = random.standard_normal((n_queries, N_FEATURES), np.float32)
    references = random.standard_normal((n_references, N_FEATURES), np.float32)
    peer = NearestNeighbors(n_neighbors=N_NEIGHBOURS, metric="cosine", algorithm="brute")
    peer.fit(references)
    return compare_speed(
        lambda: nearest_by_cosine(queries, references, N_NEIGHBOURS),
        lambda: peer.kneighbors(queries),
        what=f"{N_NEIGHBOURS} nearest of {n_references:,} profiles for each of {n_queries:,}",
        peer_name="scikit-learn NearestNeighbors, brute, cosine",
        goal=GOAL,
        n_rounds=n_rounds,
    )
