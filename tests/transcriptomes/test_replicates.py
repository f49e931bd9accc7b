import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionValueError
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.replicates import (
    condition_replicates,
    drop_rare_conditions,
    well_replicated,
)

ROWS = [
    *[("a", 10.0, "A549", "", np.nan)] * 5,
    *[("a", 1.0, "A549", "", np.nan)] * 4,
    *[("a", 10.0, "MCF7", "", np.nan)] * 1,
    ("b", 10.0, "A549", "", 3.0),
    ("b", 10.0, "A549", "", 2.0),
    ("DMSO", np.nan, "A549", "negcon", np.nan),
    *[("c", np.nan, "A549", "", np.nan)] * 2,
]
SAMPLES = pd.DataFrame(
    ROWS, columns=["compound", "dose_um", "cell_line", "control", "n_replicates"]
)


def test_replicates_are_counted_per_compound_dose_and_line():
    table = condition_replicates(SAMPLES)
    keys = zip(table["compound"], table["dose_um"], table["cell_line"], strict=True)
    counts = zip(table["n_samples"], table["n_replicates"], strict=True)
    found = dict(zip(map(str, keys), counts, strict=True))
    assert found == {
        "('DMSO', nan, 'A549')": (1, 1),
        "('a', 1.0, 'A549')": (4, 4),
        "('a', 10.0, 'A549')": (5, 5),
        "('a', 10.0, 'MCF7')": (1, 1),
        "('b', 10.0, 'A549')": (2, 5),
        "('c', nan, 'A549')": (2, 2),
    }


def test_conditions_with_fewer_than_five_replicates_are_dropped_and_controls_stay():
    values = np.arange(len(ROWS), dtype=np.float32)[:, None]
    table = ExpressionTable(values, SAMPLES, pd.DataFrame({"symbol": ["g"]}, index=["1"]), "3")
    kept = drop_rare_conditions(table)
    assert kept.values[:, 0].tolist() == [0, 1, 2, 3, 4, 10, 11, 12]
    assert kept.samples.index.tolist() == [0, 1, 2, 3, 4, 10, 11, 12]


def test_the_threshold_is_the_callers():
    assert well_replicated(SAMPLES, min_replicates=1).all()
    assert well_replicated(SAMPLES, min_replicates=4).sum() == 12
    with pytest.raises(ExpressionValueError, match="min_replicates is 0"):
        well_replicated(SAMPLES, min_replicates=0)
