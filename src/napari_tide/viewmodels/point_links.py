"""Which points of a map and which rows of the screen's table belong together.

Points and rows meet in groups: a drug's point and all rows of its wells, a well's profile and the
rows of its sites. Everything is an array operation: 500,000 points take milliseconds.

Shapes: N points, R rows of the site table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.profiles.profiles import Profiles
from napari_tide.viewmodels.lasso import Mask

NONE = -1
_OF_WELLS = (("Metadata_Plate", "plate"), ("Metadata_Well", "well"))

Groups = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class PointLinks:
    """The group of every point and of every row; a row in no map has the group -1."""

    group_of_point_N: Groups
    group_of_row_R: Groups

    def rows_of(self, points_N: Mask) -> frozenset[int]:
        """Give the rows that belong to some points."""
        wanted = self._groups(self.group_of_point_N[points_N])
        return frozenset(np.flatnonzero(wanted[self.group_of_row_R]).tolist())

    def points_of(self, rows: Collection[int]) -> Mask:
        """Give the points that belong to some rows."""
        places = np.fromiter(rows, dtype=np.int64, count=len(rows))
        places = places[places < len(self.group_of_row_R)]
        found: Mask = self._groups(self.group_of_row_R[places])[self.group_of_point_N]
        return found

    def _groups(self, groups: Groups) -> Mask:
        n_groups = 1 + max(self.group_of_point_N.max(initial=0), self.group_of_row_R.max(initial=0))
        wanted = np.zeros(n_groups + 1, dtype=bool)  # one more: -1, which is nobody's, is the last
        wanted[groups] = True
        wanted[NONE] = False
        return wanted


def links_by_name(names: Sequence[str], name_of_row_R: Sequence[str]) -> PointLinks:
    """Link points by a name of their own to the rows that carry it; empty names link nothing."""
    group_of = {name: group for group, name in enumerate(names)}
    rows = [group_of.get(name, NONE) if name else NONE for name in name_of_row_R]
    return PointLinks(np.arange(len(names)), np.asarray(rows, dtype=np.int64))


def links_of_profiles(profiles: Profiles, sites: pd.DataFrame | None) -> PointLinks:
    """Link profiles to sites by plate and well, and by site where profiles tell sites apart."""
    columns = [*_OF_WELLS]
    if profiles.level in ("site", "tile", "cell"):
        columns.append(("Metadata_Site", "site"))
    n_points = len(profiles)
    n_rows = 0 if sites is None else len(sites)
    keys = pd.DataFrame(index=range(n_points + n_rows))
    for theirs, ours in columns:
        of_rows = [] if sites is None else sites[ours].astype(str).tolist()
        keys[ours] = [*_as_text(profiles, theirs), *of_rows]
    groups = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy(dtype=np.int64)
    return PointLinks(groups[:n_points], groups[n_points:])


def _as_text(profiles: Profiles, column: str) -> list[str]:
    """Give a column as the site table writes it: ``"1"`` also where a table says 1.0."""
    texts = profiles.column(column)
    return [text.removesuffix(".0") for text in texts] if column.endswith("Site") else list(texts)
