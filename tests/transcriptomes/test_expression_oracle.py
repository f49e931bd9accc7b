"""Values and subsets that another reader of the format printed."""

import numpy as np
import pytest

from napari_tide.transcriptomes.expression_file import open_expression


@pytest.fixture
def file(oracles):
    return open_expression(oracles / "eval" / "l1000.gctx")


@pytest.fixture
def expected(oracles):
    with np.load(oracles / "eval" / "l1000.npz") as arrays:
        return dict(arrays)


def test_values_ids_and_doses_are_the_same(file, expected):
    table = file.read()
    np.testing.assert_array_equal(table.values, expected["data"].T)
    assert list(table.samples.index) == expected["cid"].tolist()
    assert list(table.genes.index) == expected["rid"].tolist()
    np.testing.assert_array_equal(table.samples["dose_um"], expected["dose"])
    np.testing.assert_array_equal(table.samples["pert_dose"], expected["dose"])
    assert list(table.samples["compound"]) == expected["iname"].tolist()
    assert table.level == "5"


def test_a_subset_asked_in_any_order_comes_in_file_order(file, expected):
    asked = {"samples": expected["sub_cid"][::-1], "genes": expected["sub_rid"][::-1]}
    table = file.read(**asked)
    np.testing.assert_array_equal(table.values, expected["sub"].T)
    assert list(table.samples.index) == expected["sub_cid"].tolist()
    assert list(table.genes.index) == expected["sub_rid"].tolist()
