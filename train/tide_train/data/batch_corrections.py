"""Corrections of batch effects, each fitted on the negative controls of the batches it corrects.

Those of `napari_tide.profiles.align`, turned back into the axes the rows came in, so that a row
means the same after every one of them, and brought to one size: controls spread by one.

Shapes: N rows, D features, P principal axes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_tide.profiles.align.alignment import Alignment, fit_alignment
from napari_tide.profiles.align.controls import Controls
from napari_tide.profiles.profiles import Profiles

Correction = Literal["none", "center", "center-scale", "pca-cs", "tvn"]
Matrix = npt.NDArray[np.floating]


def corrected(rows: Profiles, correction: Correction) -> npt.NDArray[np.float32]:
    """Correct rows by the controls among them, N x D.

    Parameters
    ----------
    rows
        Samples with their batches and negative controls.
    correction
        ``none`` leaves them as they are. ``center`` and ``center-scale`` go by each batch's
        controls. ``pca-cs`` takes the axes of all controls, then centres and scales by batch.
        ``tvn`` whitens rows that were centred by batch. Where controls are fewer than features,
        the last two keep only what lies among the controls' axes.

    Raises
    ------
    ProfileValueError
        A batch has no controls.
    """
    if correction == "none":
        return rows.features.astype(np.float32)
    if correction == "center":
        found = np.asarray(centred(rows).features, np.float64)
    else:
        start = centred(rows) if correction == "tvn" else rows
        alignment = fit_alignment(Controls.gather([start]), correction)
        found = np.asarray(alignment.apply(start).features @ turned_back(alignment), np.float64)
    size = np.sqrt(np.mean(found[rows.is_control] ** 2))
    return (found / (size if size > 0 else 1.0)).astype(np.float32)


def centred(rows: Profiles) -> Profiles:
    """Take off the mean of each batch's controls.

    Raises
    ------
    ProfileValueError
        A batch has no controls.
    """
    by_batch = fit_alignment(Controls.gather([rows]), "center-scale")
    unscaled = {
        name: replace(here, scale=np.ones_like(here.scale))
        for name, here in by_batch.batches.items()
    }
    exact = rows.with_features(rows.features.astype(np.float64))
    return replace(by_batch, batches=unscaled).apply(exact)


def turned_back(alignment: Alignment) -> npt.NDArray[np.float64]:
    """Give the rotation P x D that leads an alignment's axes back to those of its features.

    The orthonormal one nearest to the inverse of the alignment's own, which may also scale.
    """
    if alignment.rotation is None:
        return np.eye(len(alignment.shift))
    left, _, right = np.linalg.svd(alignment.rotation, full_matrices=False)
    return np.asarray((left @ right).T, np.float64)


def undone(alignment: Alignment) -> npt.NDArray[np.float64]:
    """Give the matrix P x D that leads differences between aligned rows back to features.

    For alignments that do the same to every batch but for its mean, as TVN does.
    """
    assert alignment.rotation is not None, "only rotations need to be undone"
    first = next(iter(alignment.batches.values()))
    return np.asarray(np.linalg.pinv(alignment.rotation / first.scale), np.float64)
