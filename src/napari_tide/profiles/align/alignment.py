"""Alignments: centre-scale, PCA-CS and TVN, fitted on negative controls.

Each is one affine map per batch, y = (x - shift) W * gain - offset, fitted on the controls alone
and applied to a table in parts. Formulas and their order are those of the EFAAR benchmarking code
(Celik et al. 2024), whose outputs a test reproduces.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import eigh

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.align.controls import Controls, centre_and_scale
from napari_tide.profiles.profiles import Profiles, embedding_names

Method = Literal["center-scale", "pca-cs", "tvn"]
METHODS: tuple[Method, ...] = ("center-scale", "pca-cs", "tvn")
_CORAL_RIDGE = 0.5
_log = logging.getLogger(__name__)
# rows transformed at a time: a buffer of this many rows stays in a CPU's cache
_ROWS_AT_ONCE = 2_048

Matrix = npt.NDArray[np.floating]
_RowMap = Callable[[Matrix, Matrix, Matrix], Matrix]  # rows, and where to write them aligned


@dataclass(frozen=True, slots=True, eq=False)
class BatchMap:
    """What happens to the rows of one batch after the common rotation."""

    centre: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    coral: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """A fitted alignment.

    Parameters
    ----------
    method
        Its name, as on the command line.
    shift, rotation
        Common to all batches: x becomes (x - shift) @ rotation. No rotation for centre-scale.
    batches
        What each batch does after that.
    has_orthonormal_rotation
        The rotation's columns have length one and are at right angles.
    """

    method: Method
    shift: npt.NDArray[np.float64]
    rotation: npt.NDArray[np.float64] | None
    batches: Mapping[object, BatchMap]
    has_orthonormal_rotation: bool = False

    def apply(self, profiles: Profiles) -> Profiles:
        """Align profiles; rows keep their order.

        Raises
        ------
        ProfileValueError
            A batch was not there when the alignment was fitted.
        """
        codes, names = pd.factorize(profiles.batches, sort=False)
        unknown = sorted(str(name) for name in names if name not in self.batches)
        if unknown:
            message = f"batches {unknown[:3]} were not there when the alignment was fitted"
            raise ProfileValueError(message)
        x = profiles.features
        dtype = x.dtype if x.dtype == np.float32 else np.dtype(np.float64)
        n_out = x.shape[1] if self.rotation is None else self.rotation.shape[1]
        aligned = np.empty((len(x), n_out), dtype)
        # reused for every piece: fresh memory costs as much as the arithmetic on it
        centred = np.empty((min(_ROWS_AT_ONCE, len(x)), x.shape[1]), dtype)
        for batch, pieces in itertools.groupby(_pieces_of_batches(codes), lambda piece: piece[1]):
            row_map = self._map_of(names[batch], dtype)
            for rows, _ in pieces:
                n_rows = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
                if isinstance(rows, slice):
                    row_map(x[rows], centred[:n_rows], aligned[rows])
                else:
                    mapped = np.empty((n_rows, n_out), dtype)
                    aligned[rows] = row_map(x[rows], centred[:n_rows], mapped)
        if self.rotation is None:
            return profiles.with_features(aligned)
        return profiles.with_features(aligned, embedding_names(n_out))

    def _map_of(self, batch: object, dtype: np.dtype[np.floating]) -> _RowMap:
        here = self.batches[batch]
        if self.rotation is None:
            shift, gain = (value.astype(dtype) for value in (here.centre, 1 / here.scale))
            return lambda rows, centred, out: np.multiply(
                np.subtract(rows, shift, out=centred), gain, out=out
            )
        # everything after the common shift is one matrix and one constant
        matrix = self.rotation / here.scale
        constant = here.centre / here.scale
        if here.coral is not None:
            matrix, constant = matrix @ here.coral, constant @ here.coral
        ready = np.ascontiguousarray(matrix, dtype)
        if self.has_orthonormal_rotation and here.coral is None:
            # the batch's own mean, taken off before the rotation: one pass less
            own_mean = (self.shift + here.centre @ self.rotation.T).astype(dtype)
            return lambda rows, centred, out: np.matmul(
                np.subtract(rows, own_mean, out=centred), ready, out=out
            )
        shift, offset = self.shift.astype(dtype), constant.astype(dtype)
        return lambda rows, centred, out: np.subtract(
            np.matmul(np.subtract(rows, shift, out=centred), ready, out=out), offset, out=out
        )


def fit_alignment(
    controls: Controls, method: Method, *, per_batch_coral: bool = False
) -> Alignment:
    """Fit an alignment on negative controls.

    Parameters
    ----------
    controls
        The table's negative controls.
    method
        ``center-scale``: by each batch's controls. ``pca-cs``: PCA on all controls, all components,
        then centre-scale by batch. ``tvn``: centre-scale over all, PCA, centre-scale over all.
    per_batch_coral
        For ``tvn``: finish by matching each batch's control covariance to that of all controls.

    Raises
    ------
    ProfileValueError
        No such method, or too few controls.
    """
    known_method(method)
    if len(controls.rows) < 2:
        message = f"{len(controls.rows)} negative control is too few to align by; at least 2"
        raise ProfileValueError(message)
    if method == "center-scale":
        return _centre_scale(controls)
    _say_if_few(controls)
    return _pca_cs(controls) if method == "pca-cs" else _tvn(controls, coral=per_batch_coral)


def _say_if_few(controls: Controls) -> None:
    n_controls, n_features = controls.rows.shape
    if n_controls <= n_features:
        _log.warning(
            "%d negative controls span only %d of %d features, and whatever lies in the others is "
            "lost; use center-scale, or add plates",
            n_controls,
            n_controls - 1,
            n_features,
        )


def known_method(name: str) -> Method:
    """Give the method of that name.

    Raises
    ------
    ProfileValueError
        There is none.
    """
    for method in METHODS:
        if method == name:
            return method
    message = f"no alignment {name!r}. Available: {list(METHODS)}"
    raise ProfileValueError(message)


def _centre_scale(controls: Controls) -> Alignment:
    maps = {name: BatchMap(*centre_and_scale(rows)) for name, rows in controls.by_batch()}
    return Alignment("center-scale", np.zeros(controls.rows.shape[1]), None, maps)


def _pca_cs(controls: Controls) -> Alignment:
    shift, rotation = principal_axes(controls.rows)
    rotation = np.ascontiguousarray(rotation)  # every batch's matrix is made from it
    maps = {
        name: BatchMap(*centre_and_scale((rows - shift) @ rotation))
        for name, rows in controls.by_batch()
    }
    return Alignment("pca-cs", shift, rotation, maps, has_orthonormal_rotation=True)


def _tvn(controls: Controls, *, coral: bool) -> Alignment:
    centre, scale = centre_and_scale(controls.rows)
    scaled = (controls.rows - centre) / scale
    shift, axes = principal_axes(scaled)
    rotated = (scaled - shift) @ axes
    after = centre_and_scale(rotated)
    whitened = Controls((rotated - after[0]) / after[1], controls.batches)
    # both centrings and the first scaling become one shift and one matrix
    alignment_shift = centre + shift * scale
    rotation = axes / scale[:, None]
    target = _ridged_root(whitened.rows, power=0.5) if coral else None
    maps = {}
    for name, rows in whitened.by_batch():
        matrix = None
        if target is not None:
            matrix = _ridged_root(rows, power=-0.5) @ target
        maps[name] = BatchMap(*after, coral=matrix)
    return Alignment("tvn", alignment_shift, rotation, maps)


def principal_axes(
    rows: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give the mean and all principal axes (columns, widest first).

    By the covariance's eigenvectors, as exact here as a decomposition of the rows and many times
    faster when rows outnumber features. Axes along which the rows spread by nothing but rounding
    are left out: scaling them would blow the rounding up.
    """
    mean = rows.mean(axis=0)
    smallest = max(rows.shape) * np.finfo(np.float64).eps
    if rows.shape[0] < rows.shape[1]:
        _, spread, axes = np.linalg.svd(rows - mean, full_matrices=False)
        return mean, axes[_counted(spread, smallest)].T
    values, vectors = eigh(_scatter(rows, mean))
    return mean, vectors[:, ::-1][:, _counted(values[::-1], smallest)]


def _scatter(rows: npt.NDArray[np.float64], mean: npt.NDArray[np.float64]) -> Matrix:
    """Sum the outer products of the centred rows, piece by piece in one buffer."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    centred = np.empty((min(_ROWS_AT_ONCE, len(rows)), rows.shape[1]))
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        piece = rows[first : first + _ROWS_AT_ONCE]
        here = np.subtract(piece, mean, out=centred[: len(piece)])
        total += here.T @ here
    return total


def _counted(spread: npt.NDArray[np.float64], smallest: float) -> slice:
    """Give the first axes, down to a share of the widest; one where nothing spreads."""
    return slice(max(int((spread > smallest * spread[0]).sum()), 1))


def _ridged_root(rows: npt.NDArray[np.float64], *, power: float) -> npt.NDArray[np.float64]:
    covariance = np.cov(rows, rowvar=False, ddof=1) if len(rows) > 1 else np.zeros((1, 1))
    if covariance.shape != (rows.shape[1], rows.shape[1]):
        covariance = np.broadcast_to(covariance, (rows.shape[1], rows.shape[1])).copy()
    values, vectors = eigh(covariance + _CORAL_RIDGE * np.eye(rows.shape[1]))
    powered: npt.NDArray[np.float64] = (vectors * values**power) @ vectors.T
    return powered


def _pieces_of_batches(
    codes: npt.NDArray[np.integer],
) -> Iterator[tuple[slice | npt.NDArray[np.integer], int]]:
    """Give pieces of rows of one batch that a cache holds; slices where they lie together."""
    order = np.argsort(codes, kind="stable")
    sorted_codes = codes[order]
    edges = [0, *(np.flatnonzero(np.diff(sorted_codes)) + 1).tolist(), len(codes)]
    for start, stop in itertools.pairwise(edges):
        for first in range(start, stop, _ROWS_AT_ONCE):
            rows = order[first : min(first + _ROWS_AT_ONCE, stop)]
            lie_together = rows[-1] - rows[0] == len(rows) - 1
            piece = slice(int(rows[0]), int(rows[-1]) + 1) if lie_together else rows
            yield piece, int(sorted_codes[start])
