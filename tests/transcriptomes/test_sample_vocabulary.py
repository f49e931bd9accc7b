import numpy as np
import pandas as pd
import pytest

from napari_tide.transcriptomes.sample_vocabulary import SAMPLE_COLUMNS, describe_samples

GENERATION_2017 = {
    "cell_id": ["A549", "A549", "-666"],
    "pert_iname": ["DMSO", "vorinostat", "TP53"],
    "pert_id": ["DMSO", "BRD-1", "TRCN1"],
    "pert_type": ["ctl_vehicle", "trt_cp", "trt_sh"],
    "pert_dose": [-666.0, 10.0, 1.5],
    "pert_dose_unit": ["-666", "µM", "µL"],
    "pert_time": [24, 24, 96],
    "pert_time_unit": ["h", "h", "h"],
    "rna_plate": ["P1", "P1", "P2"],
}
GENERATION_2020 = {
    "cell_iname": ["A549", "A549", "-666"],
    "cmap_name": ["DMSO", "vorinostat", "TP53"],
    "pert_id": ["DMSO", "BRD-1", "TRCN1"],
    "pert_type": ["ctl_vehicle", "trt_cp", "trt_sh.cgs"],
    "nearest_dose": ["", "10", ""],
    "pert_dose": ["", "9.98", "1.5"],
    "pert_dose_unit": ["-666", "uM", "uL"],
    "pert_idose": ["", "10 uM", "1.5 uL"],
    "pert_itime": ["24 h", "24 h", "96 h"],
    "det_plate": ["P1", "P1", "P2"],
}


def described(**columns):
    n = len(next(iter(columns.values())))
    return describe_samples(pd.DataFrame(columns, index=[f"s{i}" for i in range(n)]))


@pytest.mark.parametrize("raw", [GENERATION_2017, GENERATION_2020], ids=["2017", "2020"])
def test_both_generations_say_the_same(raw):
    table, warnings = described(**raw)
    assert list(table["cell_line"]) == ["A549", "A549", ""]
    assert list(table["compound"]) == ["DMSO", "vorinostat", ""]
    assert list(table["gene"]) == ["", "", "TP53"]
    assert list(table["control"]) == ["negcon", "", ""]
    np.testing.assert_array_equal(table["dose_um"], [np.nan, 10, np.nan])
    assert list(table["time_h"]) == [24, 24, 96]
    assert list(table["plate"]) == ["P1", "P1", "P2"]
    assert len(warnings) == 1
    assert "not in molar units" in warnings[0]


def test_the_files_own_columns_are_kept_after_the_standard_ones():
    table, _ = described(**GENERATION_2017)
    assert tuple(table.columns[: len(SAMPLE_COLUMNS)]) == SAMPLE_COLUMNS
    assert list(table.columns[len(SAMPLE_COLUMNS) :]) == list(GENERATION_2017)[:3] + [
        name for name in list(GENERATION_2017)[3:] if name != "pert_type"
    ]
    np.testing.assert_array_equal(table["pert_dose"], [np.nan, 10, 1.5])
    assert table["cell_id"].isna().tolist() == [False, False, True]


def test_doses_that_differ_by_rounding_are_one():
    table, _ = described(pert_iname=list("abcd"), pert_dose=["19.999", "20", "20.0", "6.6667"])
    assert list(table["dose_um"]) == [20, 20, 20, 6.6667]


def test_a_dose_is_taken_from_the_next_source_where_one_is_silent():
    table, _ = described(
        pert_iname=list("abc"),
        pert_dose=["-666", "500", "-666"],
        pert_dose_unit=["-666", "nM", "-666"],
        pert_idose=["10 µM", "9 µM", "-666"],
    )
    np.testing.assert_array_equal(table["dose_um"], [10, 0.5, np.nan])


@pytest.mark.parametrize(
    ("pert_type", "compound", "control"),
    [
        ("ctl_vehicle", "DMSO", "negcon"),
        ("ctl_untrt", "UnTrt", "negcon"),
        ("ctl_untrt.cns", "UnTrt", "negcon"),
        ("ctl_vector", "EMPTY_VECTOR", "negcon"),
        ("trt_poscon", "bortezomib", "poscon"),
        ("trt_cp", "DMSO", ""),
        ("-666", "DMSO", "negcon"),
        ("-666", "vorinostat", ""),
    ],
)
def test_controls_are_told_by_type_and_else_by_name(pert_type, compound, control):
    table, _ = described(pert_type=[pert_type], pert_iname=[compound])
    assert list(table["control"]) == [control]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("24 h", 24),
        ("6h", 6),
        ("30 min", 0.5),
        ("2 d", 48),
        ("6 h & 4 h", np.nan),
        ("-666", np.nan),
    ],
)
def test_times_are_hours(text, hours):
    table, _ = described(pert_iname=["a"], pert_itime=[text])
    np.testing.assert_array_equal(table["time_h"], [hours])


def test_standard_columns_are_taken_as_they_are():
    table, warnings = described(
        compound=["a", ""], dose_um=[2.5, np.nan], control=["", "negcon"], n_replicates=[3, 1]
    )
    assert list(table["compound"]) == ["a", ""]
    np.testing.assert_array_equal(table["dose_um"], [2.5, np.nan])
    assert list(table["control"]) == ["", "negcon"]
    assert list(table["n_replicates"]) == [3, 1]
    assert warnings == ()


def test_samples_without_names_say_what_to_add():
    table, warnings = described(qc=[1.0, 2.0])
    assert list(table["compound"]) == ["", ""]
    assert warnings == ("no sample names its compound; add a siginfo or instinfo table",)
