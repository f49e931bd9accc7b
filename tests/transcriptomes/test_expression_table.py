import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ExpressionValueError
from napari_tide.transcriptomes.expression_table import ExpressionTable

GENES = pd.DataFrame(
    {"symbol": ["A", "B", "C"], "is_landmark": [True, False, True]}, index=["1", "2", "3"]
)
SAMPLES = pd.DataFrame({"compound": ["x", "y"]}, index=["s1", "s2"])
VALUES = np.arange(6.0).reshape(2, 3)


def test_values_are_kept_as_float32():
    table = ExpressionTable(VALUES, SAMPLES, GENES, "3")
    assert table.values.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "samples", "genes", "level", "said"),
    [
        (VALUES.T, SAMPLES, GENES, "3", r"shape \(3, 2\) do not fit 2 samples and 3 genes"),
        (VALUES, SAMPLES, GENES.drop(columns="symbol"), "3", "no column symbol"),
        (VALUES, SAMPLES, GENES, "2", "'2' is not an expression level"),
        (VALUES, SAMPLES.set_axis(["s", "s"]), GENES, "", "sample 's' is listed twice"),
        (VALUES, SAMPLES, GENES.set_axis(["1", "1", "3"]), "", "gene '1' is listed twice"),
    ],
    ids=["transposed", "no symbol", "level", "repeated sample", "repeated gene"],
)
def test_parts_that_do_not_belong_together_are_refused(values, samples, genes, level, said):
    with pytest.raises(ExpressionValueError, match=said):
        ExpressionTable(values, samples, genes, level)


def test_landmarks_follow_the_flag_or_a_list_of_ids_and_symbols():
    table = ExpressionTable(VALUES, SAMPLES, GENES, "3")
    assert list(table.landmarks().genes.index) == ["1", "3"]
    assert table.landmarks().values.tolist() == [[0, 2], [3, 5]]
    assert list(table.landmarks(["C", "2"]).genes.index) == ["2", "3"]


def test_landmarks_that_are_not_known_say_the_way_out():
    table = ExpressionTable(VALUES, SAMPLES, GENES.drop(columns="is_landmark"), "3")
    with pytest.raises(ExpressionValueError, match="name them, or add a gene metadata file"):
        table.landmarks()
    with pytest.raises(ExpressionValueError, match=r"1 landmark genes are not in .* 'Z'"):
        table.landmarks(["A", "Z"])
