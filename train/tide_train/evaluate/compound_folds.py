"""Folds that no compound is on both sides of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_tide.errors import EvaluationValueError


def compound_folds(
    molecules: Sequence[str], *, n_folds: int, seed: int, strata: Sequence[str] | None = None
) -> npt.NDArray[np.int64]:
    """Give each row the fold in which it is held out.

    Parameters
    ----------
    molecules
        What each row is of; rows of one molecule share a fold, whatever they are called.
    n_folds, seed
        How many folds, and which draw of them.
    strata
        Molecules of one stratum (a mechanism) go to different folds while there are enough, so
        that most held-out compounds have a trained partner.

    Raises
    ------
    EvaluationValueError
        There are fewer molecules than folds, or fewer than two folds.
    """
    names, first, of_row = np.unique(molecules, return_index=True, return_inverse=True)
    if not 2 <= n_folds <= len(names):
        message = f"{len(names)} compounds cannot be split in {n_folds} folds; give 2 or more"
        raise EvaluationValueError(message)
    random = np.random.default_rng([seed, 23])
    stratum = np.arange(len(names))
    if strata is not None:
        stratum = np.unique(np.asarray(strata)[first], return_inverse=True)[1]
    place_of_stratum = random.permutation(stratum.max() + 1)
    order = np.lexsort((random.random(len(names)), place_of_stratum[stratum]))
    fold = np.empty(len(names), np.int64)
    fold[order] = np.arange(len(names)) % n_folds
    return fold[of_row]
