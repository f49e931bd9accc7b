"""The negative controls of a table, and each batch's share of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ProfileValueError
from napari_tide.profiles.clean import LARGEST, is_usable
from napari_tide.profiles.profiles import Profiles

Rows = npt.NDArray[np.float64]
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """All negative controls, in float64, with the batch each belongs to."""

    rows: npt.NDArray[np.float64]
    batches: npt.NDArray[np.object_]

    @classmethod
    def gather(cls, parts: Iterable[Profiles]) -> Controls:
        """Collect the controls of a table read in parts.

        Raises
        ------
        ProfileValueError
            There are none, or a batch has none, or a value cannot be computed with.
        """
        rows, batches = [], []
        every_batch: set[str] = set()
        for part in parts:
            is_control, part_batches = part.is_control, part.batches
            every_batch.update(part_batches)
            rows.append(part.features[is_control].astype(np.float64, copy=False))
            batches.append(part_batches[is_control])
            _refuse_infinite(part)
        one = len(rows) == 1  # nothing to put together, so no copy either
        found = None
        if rows:
            found = cls(
                rows[0] if one else np.concatenate(rows),
                batches[0] if one else np.concatenate(batches),
            )
        if found is None or len(found.rows) == 0:
            message = (
                "the profiles have no negative controls; expected rows with Metadata_Control "
                "'negcon'"
            )
            raise ProfileValueError(message)
        lacking = sorted(every_batch - set(found.batches))
        if lacking:
            message = (
                f"{len(lacking)} batches have no negative controls ({', '.join(lacking[:3])}); "
                "leave them out or give them a common Metadata_Batch"
            )
            raise ProfileValueError(message)
        return found

    def by_batch(self) -> Iterator[tuple[object, npt.NDArray[np.float64]]]:
        """Give each batch's name and controls."""
        codes, names = pd.factorize(self.batches)
        order = np.argsort(codes, kind="stable")
        edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
        for name, start, stop in zip(names, edges[:-1], edges[1:], strict=True):
            yield name, self.rows[order[start:stop]]


def centre_and_scale(rows: Rows) -> tuple[Rows, Rows]:
    """Give the mean and standard deviation; a constant feature is scaled by one.

    Constant means that the spread is lost in rounding, as scikit-learn's StandardScaler decides.
    """
    mean = rows.mean(axis=0)
    variance = rows.var(axis=0)
    epsilon = np.finfo(np.float64).eps
    limit = len(rows) * epsilon * variance + (len(rows) * mean * epsilon) ** 2
    return mean, np.where(variance <= limit, 1.0, np.sqrt(variance))


def _refuse_infinite(part: Profiles) -> None:
    if all(_is_within_limits(rows) for rows in _pieces(part.features)):
        return
    wrong = ~is_usable(part.features).all(axis=0)
    if wrong.any():
        names = [part.feature_names[i] for i in np.flatnonzero(wrong)[:3]]
        message = (
            f"{int(wrong.sum())} features hold missing or infinite values, or some beyond "
            f"{LARGEST:g} ({', '.join(names)}); clean them first with tide align --clean"
        )
        raise ProfileValueError(message)


def _is_within_limits(rows: npt.NDArray[np.floating]) -> bool:
    # no copy; NaN fails both comparisons
    return bool(abs(rows.min()) <= LARGEST >= abs(rows.max())) if rows.size else True


def _pieces(rows: npt.NDArray[np.floating]) -> Iterator[npt.NDArray[np.floating]]:
    """Give pieces small enough that a second look finds them in a CPU's cache."""
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[first : first + _ROWS_AT_ONCE]
