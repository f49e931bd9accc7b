"""From a method's spaces to one embedding a well: the same read-outs for every method.

Alignment moves the scores as much as the choice of a method does, so it was fixed on development
worlds and is the same for all; what the others would have given stands in a table of its own. The
low-dimensional block of the read-outs with two is a method's own mechanism head where it has such,
else a random projection of its trunk.

Shapes: N wells, D width.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_tide.discovery.interventions import Names, treatment_names
from napari_tide.discovery.label_retrieval import unit_rows
from napari_tide.profiles.align.align_table import align_profiles
from napari_tide.profiles.align.alignment import Method as Alignment
from napari_tide.profiles.profiles import Profiles, embedding_names
from tide_train.bench.tables.evened import evened

LOW_WIDTH = 16
HEAD_WEIGHT = 1.25
READ_OUTS = (
    "head, evened",
    "two blocks, evened",
    "head, scaled",
    "head, pca-cs",
)
MAIN = "head, evened"

Rows = npt.NDArray[np.floating]
Spaces = Mapping[str, Rows]


def read_out(
    profiles: Profiles, spaces: Spaces, name: str, *, trained_on: npt.NDArray[np.bool_]
) -> Profiles:
    """Make one embedding a well.

    Parameters
    ----------
    profiles
        Whose wells these are, with their batches and controls.
    spaces
        ``trunk``, perhaps ``head`` and ``mechanism``: a row a well.
    name
        One of `READ_OUTS`: the head, or the low-dimensional block beside the head (each brought to
        length one, the head weighted by 1.25), under one of three alignments.
    trained_on
        Wells of training drugs, the only ones whose effects an alignment may look at.
    """
    what, _, alignment = name.partition(", ")
    treatment_N = np.where(trained_on, treatment_names(profiles), "")
    head = _aligned(profiles, spaces.get("head", spaces["trunk"]), alignment, treatment_N)
    if what == "head":
        return _with(profiles, head)
    low = spaces.get("mechanism")
    if low is None:
        low = random_projection(spaces["trunk"])
    blocks = [
        unit_rows(_aligned(profiles, low, alignment, treatment_N)),
        HEAD_WEIGHT * unit_rows(head),
    ]
    return _with(profiles, np.concatenate(blocks, axis=1))


def random_projection(rows_ND: Rows) -> Rows:
    """Project onto 16 random directions, the same for every method of that width."""
    width = rows_ND.shape[1]
    directions = np.random.default_rng([16, width]).standard_normal((width, LOW_WIDTH))
    return rows_ND @ (directions / np.sqrt(width))


def _aligned(profiles: Profiles, rows_ND: Rows, name: str, treatment_N: Names) -> Rows:
    method: Alignment = "pca-cs" if name == "pca-cs" else "center-scale"
    with _without_warning_of_few_controls():
        aligned = align_profiles(_with(profiles, rows_ND.astype(np.float64)), method).features
    return evened(aligned, treatment_N) if name == "evened" else aligned


def _with(profiles: Profiles, rows_ND: Rows) -> Profiles:
    return replace(profiles, features=rows_ND, feature_names=embedding_names(rows_ND.shape[1]))


@contextmanager
def _without_warning_of_few_controls() -> Iterator[None]:
    log = logging.getLogger("napari_tide.profiles.align")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
