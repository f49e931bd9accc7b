"""The false discovery rate of a list of p-values, after Benjamini and Hochberg (1995)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def q_values(p_values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Give the smallest false discovery rate at which each p-value would be on the list.

    A p-value that is NaN was not tested: its q is NaN, and the others do not count it.
    """
    p = np.asarray(p_values, np.float64)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")[::-1]]  # the largest p first
    rates = p[order] * len(order) / np.arange(len(order), 0, -1)
    q[order] = np.minimum(np.minimum.accumulate(rates), 1.0)
    return q
