import numpy as np
import pandas as pd
import pytest

from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx
from napari_tide.transcriptomes.level import level_of_metadata, level_of_name, level_of_values


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("GSE92742_Broad_LINCS_Level3_INF_mlr12k_n1319138x12328.gctx", "3"),
        ("GSE70138_Broad_LINCS_Level5_COMPZ_n118050x12328_2017-03-06.gctx", "5"),
        ("level4_beta_trt_cp_n1805898x12328.gctx", "4"),
        ("modzs_n272x978.gctx", "5"),
        ("PLATE_ZSPCQNORM_n377x978.gctx", "4"),
        ("PLATE_QNORM_n377x978.gctx", "3"),
        ("level35.gctx", ""),
        ("mine.gct", ""),
    ],
)
def test_file_names_tell_the_level(name, level):
    assert level_of_name(name) == level


@pytest.mark.parametrize(
    ("columns", "ids", "level"),
    [
        ({"provenance_code": ["KMV+F2D+INO+QNO"]}, ["P:A01"], "3"),
        ({"provenance_code": ["KMV+F2D+INO+QNO+ZSP"]}, ["P:A01"], "4"),
        ({"provenance_code": ["-666"]}, ["P:A01"], ""),
        ({"distil_nsample": [3]}, ["P:A01"], "5"),
        ({}, ["CPC006_A549_24H:BRD-K00000000-001:0.37"], "5"),
        ({}, ["LJP007_MCF7_24H:CTL_VEHICLE:DMSO:-666"], "5"),
        ({}, ["REP.A001_A375_24H:K01"], ""),
        ({}, [], ""),
    ],
)
def test_metadata_tell_the_level(columns, ids, level):
    assert level_of_metadata(pd.DataFrame(columns, index=ids)) == level


def test_values_tell_expression_and_nothing_else():
    rng = np.random.default_rng(0)
    log2 = rng.uniform(2, 14, (5, 50)).astype(np.float32)
    assert level_of_values(log2) == "3"
    assert level_of_values(log2 - 8) == ""
    assert level_of_values(np.full((2, 2), np.nan, np.float32)) == ""


def test_a_written_level_is_believed_over_the_name(tmp_path):
    samples = pd.DataFrame(index=["a"])
    genes = pd.DataFrame({"symbol": ["g"]}, index=["1"])
    path = tmp_path / "level5.gctx"
    write_gctx(ExpressionTable(np.ones((1, 1), np.float32), samples, genes, "3"), path)
    assert open_expression(path).level == "3"
