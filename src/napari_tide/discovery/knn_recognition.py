"""k-NN recognition of interventions over folds that share no well (or plate)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_tide.discovery.bootstrap import Interval, interval_of_mean
from napari_tide.discovery.interventions import Apart
from napari_tide.discovery.knn import N_FIRST, TEMPERATURE, K, knn_labels
from napari_tide.discovery.split_check import refuse_leak
from napari_tide.errors import EvaluationValueError

N_FOLDS = 5
TOP = (1, N_FIRST)
SIDES = ("train", "test")

Names = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class KnnScores:
    """Shares of rows whose intervention is recognised by votes of other wells (or plates).

    Parameters
    ----------
    share, interval
        By number of guesses; the intervals draw the interventions again.
    chance
        What one guess out of all interventions would give.
    commonest
        What always naming the most frequent interventions would give.
    """

    share: dict[int, float]
    interval: dict[int, Interval]
    chance: dict[int, float]
    commonest: dict[int, float]
    n_rows: int
    n_classes: int
    n_folds: int


def knn_recognition(
    features_ND: npt.NDArray[np.floating],
    names_N: Names,
    *,
    places_N: Names,
    apart: Apart = "well",
    sides_N: Names | None = None,
    n_folds: int = N_FOLDS,
    k: int = K,
    temperature: float = TEMPERATURE,
    seed: int = 0,
) -> KnnScores:
    """Let every row be recognised by the rows of other folds; whole places go to one fold.

    Rows without a name take no part. Where a split is given (`sides_N`: ``train``, ``test``) only
    the test rows are recognised, by the training rows.

    Raises
    ------
    EvaluationValueError
        There are fewer than two interventions or two places.
    """
    is_used = names_N != ""
    if sides_N is not None:
        is_used &= np.isin(sides_N.astype(str), SIDES)
    rows = np.flatnonzero(is_used)
    classes, label = np.unique(names_N[rows].astype(str), return_inverse=True)
    places = places_N[rows]
    if sides_N is None:
        fold = fold_of_places(places, label, n_folds=n_folds, seed=seed)
        tested = range(int(fold.max(initial=0)) + 1)
    else:
        fold, tested = (sides_N[rows] == SIDES[0]).astype(np.int64), range(1)
    if len(classes) < 2 or fold.max(initial=0) < 1:
        message = (
            f"k-NN needs two interventions and two {apart}s; got {len(classes)} interventions in "
            f"{len(set(places))} {apart}s"
        )
        raise EvaluationValueError(message)
    values = torch.from_numpy(np.ascontiguousarray(features_ND[rows], np.float32))
    labels = torch.from_numpy(label)
    voted = np.full((len(rows), N_FIRST), -1)
    for number in tested:
        test, train = fold == number, fold != number
        refuse_leak(places[train], places[test], sides=SIDES, apart=apart)
        voted[test] = knn_labels(
            values[train], labels[train], values[test], k=k, temperature=temperature
        ).numpy()
    is_tested = np.isin(fold, tested)
    return _scores(voted[is_tested], label[is_tested], n_classes=len(classes), n_folds=len(tested))


def _scores(
    voted_N5: npt.NDArray[np.int64],
    label_N: npt.NDArray[np.int64],
    *,
    n_classes: int,
    n_folds: int,
) -> KnnScores:
    is_right = {n: (voted_N5[:, :n] == label_N[:, None]).any(axis=1) for n in TOP}
    frequent = np.sort(np.bincount(label_N))[::-1] / len(label_N)
    return KnnScores(
        share={n: float(right.mean()) for n, right in is_right.items()},
        interval={
            n: interval_of_mean(right, over="interventions", clusters_N=label_N)
            for n, right in is_right.items()
        },
        chance={n: min(n, n_classes) / n_classes for n in TOP},
        commonest={n: float(frequent[:n].sum()) for n in TOP},
        n_rows=len(label_N),
        n_classes=n_classes,
        n_folds=n_folds,
    )


def fold_of_places(
    places_N: Names, labels_N: npt.NDArray[np.integer], *, n_folds: int, seed: int = 0
) -> npt.NDArray[np.int64]:
    """Deal places out to folds, those of one label to different folds as far as possible."""
    first: dict[str, int] = {}
    for row, place in enumerate(places_N):
        first.setdefault(str(place), row)
    random = np.random.default_rng(seed)
    names = list(first)
    shuffled = [names[i] for i in random.permutation(len(names))]
    dealt = sorted(shuffled, key=lambda place: int(labels_N[first[place]]))
    fold_of = {place: i % min(n_folds, len(names)) for i, place in enumerate(dealt)}
    return np.array([fold_of[str(place)] for place in places_N], np.int64)
