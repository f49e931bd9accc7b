"""Bring columns of one table into another, row by row, without losing what is there."""

from __future__ import annotations

import pandas as pd

from napari_tide.screens.table_file import as_text


def is_given(values: pd.Series) -> pd.Series:
    """Tell which values say something: neither missing nor empty text."""
    return values.notna() & (values != "")


def fill_columns(
    sites: pd.DataFrame, values: pd.DataFrame, *, override: bool = False
) -> tuple[pd.DataFrame, dict[str, pd.Series]]:
    """Fill columns of `sites` from the same columns of `values`, which has the same index.

    Parameters
    ----------
    sites, values
        Tables with one index. Columns that `sites` lacks are added.
    override
        Let values replace what is there; otherwise they only fill gaps. Gaps in `values` never
        erase anything.

    Returns
    -------
    sites
        The filled table.
    conflicts
        Per column, the rows in which both tables say something, and not the same.
    """
    filled = sites.copy()
    conflicts: dict[str, pd.Series] = {}
    for name in values.columns:
        new = values[name]
        if name not in filled:
            filled[name] = new if name == "dose_um" else new.where(new.notna(), "")
            continue
        old = filled[name]
        if name != "dose_um":
            old, new = as_text(old), as_text(new)
        differ = is_given(old) & is_given(new) & (old != new)
        take = is_given(new) & (differ if override else ~is_given(old))
        take |= is_given(new) & ~is_given(old)
        filled[name] = old.where(~take, new)
        conflicts[name] = differ
    return filled, conflicts
