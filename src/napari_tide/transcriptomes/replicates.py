"""How often each condition was measured, and dropping those measured too rarely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.errors import ExpressionValueError
from napari_tide.transcriptomes.expression_table import ExpressionTable

CONDITION = ["compound", "dose_um", "cell_line"]
MIN_REPLICATES = 5


def condition_replicates(samples: pd.DataFrame) -> pd.DataFrame:
    """Count the replicates of each compound at each dose in each cell line.

    A signature counts for the replicates it was made from (``n_replicates``), any other sample for
    one. Times are not told apart.

    Parameters
    ----------
    samples
        The samples of a file or a table, in the standard vocabulary.

    Returns
    -------
    table
        ``compound, dose_um, cell_line, n_samples, n_replicates``, a row per condition.
    """
    counted = samples[CONDITION].assign(n_replicates=_replicates_per_sample(samples))
    groups = counted.groupby(CONDITION, dropna=False, sort=True)["n_replicates"]
    table = groups.agg(n_samples="size", n_replicates="sum").reset_index()
    return table.astype({"n_samples": np.int64, "n_replicates": np.int64})


def well_replicated(
    samples: pd.DataFrame, *, min_replicates: int = MIN_REPLICATES
) -> npt.NDArray[np.bool_]:
    """Tell which samples belong to a condition with enough replicates; negative controls always do.

    Good for slicing a file that is too large to read: ``file.read(samples=well_replicated(...))``.
    """
    if min_replicates < 1:
        message = f"min_replicates is {min_replicates}; expected 1 or more"
        raise ExpressionValueError(message)
    counted = samples[CONDITION].assign(n_replicates=_replicates_per_sample(samples))
    total = counted.groupby(CONDITION, dropna=False)["n_replicates"].transform("sum")
    enough = (total >= min_replicates) | (samples["control"] == "negcon")
    return enough.to_numpy(dtype=bool)


def drop_rare_conditions(
    table: ExpressionTable, *, min_replicates: int = MIN_REPLICATES
) -> ExpressionTable:
    """Drop the samples of dose conditions measured fewer than `min_replicates` times."""
    return table.take_samples(well_replicated(table.samples, min_replicates=min_replicates))


def _replicates_per_sample(samples: pd.DataFrame) -> pd.Series:
    known = samples.get("n_replicates", pd.Series(np.nan, index=samples.index))
    return known.astype(np.float64).fillna(1.0)
