import numpy as np
import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import read_annotation_table


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "map.csv"
        path.write_text(text, encoding="utf-8")
        return read_annotation_table(path).rows

    return write_and_read


@pytest.mark.parametrize(
    "text",
    [
        "well\nB3",
        "Well\nb03",
        "well_position\nB03",
        "Metadata_Well\nB003",
        "Row,Column\nB,3",
        "row,col\n2,3",
        "Metadata_Row,Metadata_Col\n2,03",
    ],
    ids=["plain", "case", "jump", "cytomining", "letters", "numbers", "cellprofiler"],
)
def test_wells_are_found_in_every_usual_spelling(read, text):
    assert read(text)["well"].tolist() == ["B03"]


def test_wells_that_are_only_numbered_give_way_to_row_and_column(read):
    assert read("well_id,row,column\n1,A,1\n25,B,1")["well"].tolist() == ["A01", "B01"]


def test_an_experiment_is_a_batch_and_an_empty_plate_column_is_none(read):
    rows = read("plate,well,experiment\n,A1,HEPG2-01\n,A2,HEPG2-02")
    assert rows["batch"].tolist() == ["HEPG2-01", "HEPG2-02"]
    assert "plate" not in rows


def test_an_id_of_plate_and_well_gives_both(read):
    rows = read("id_code,sirna\nHEPG2-01_1_B02,1138\nHEPG2-01_1_C03,1109")
    assert rows[["plate", "well"]].to_numpy().tolist() == [
        ["HEPG2-01_1", "B02"], ["HEPG2-01_1", "C03"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "value", "dose_um"),
    [
        ("dose", "2.5", 2.5),
        ("dose_uM", "2.5", 2.5),
        ("Dose (µM)", "2.5", 2.5),
        ("Metadata_mmoles_per_liter", "3.33333333333076923", 3.33333333333),
        ("dose_mM", "0.0025", 2.5),
        ("concentration_nM", "2500", 2.5),
        ("conc_M", "2.5e-6", 2.5),
        ("concentration", "2500 nM", 2.5),
        ("pert_dose", "2.5", 2.5),
    ],
)
def test_doses_take_their_unit_from_the_header_or_the_value(read, header, value, dose_um):
    assert read(f"well,{header}\nA1,{value}")["dose_um"].tolist() == [dose_um]


def test_a_column_of_units_gives_the_unit_of_bare_numbers(read):
    rows = read("well,dose,dose_unit\nA1,500,nM\nA2,1,µM\nA3,,\nA4,2 mM,uM")
    np.testing.assert_allclose(rows["dose_um"], [0.5, 1.0, np.nan, 2000.0])


def test_a_column_with_a_unit_comes_before_one_without_and_mass_is_no_dose(read):
    rows = read("well,conc,mg_per_ml,mmoles_per_liter\nA1,7,3,1")
    assert rows["dose_um"].tolist() == [1.0]
    assert rows["mg_per_ml"].tolist() == ["3"]
    assert rows["conc"].tolist() == ["7"]


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("pert_iname", "compound"),
        ("Metadata_broad_sample", "broad_sample"),
        ("SMILES", "smiles"),
        ("InChIKey", "inchikey"),
        ("target_gene", "gene"),
        ("Symbol", "gene"),
        ("cell_type", "cell_line"),
        ("control_type", "control"),
        ("well_type", "control"),
        ("pert_type", "perturbation_type"),
        ("target_list", "targets"),
        ("Metadata_Batch", "batch"),
        ("Plate_Map_Name", "plate_map"),
        ("Assay_Plate_Barcode", "plate"),
    ],
)
def test_columns_come_under_our_names(read, header, ours):
    assert read(f"{header},x\nvalue,1")[ours].tolist() == ["value"]


def test_other_columns_travel_along_but_never_hide_the_screens_own(read):
    rows = read("well,Seeding,path_DNA,site,drug,compound\nA1,500,/etc/passwd,3,b,a")
    assert rows.columns.tolist() == [
        "well", "compound", "Seeding", "metadata_path_DNA", "metadata_site", "drug",
    ]  # fmt: skip


def test_a_treatment_is_the_compound_unless_a_gene_was_perturbed(read):
    rows = read(
        "well,gene,treatment,perturbation_type\n"
        "A1,,taxol,COMPOUND\nA2,PLK1,PLK1_guide_3,CRISPR\nA3,,EMPTY_control,COMPOUND"
    )
    assert rows["compound"].tolist() == ["taxol", "", "EMPTY_control"]


def test_empty_rows_at_the_end_are_left_out(read):
    assert len(read("well,dose\nA1,1\n,\n,\n")) == 1
    with pytest.raises(ScreenFormatError, match="has only empty rows"):
        read("well,dose\nNA,\n,\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("well,dose\nwell one,1", "'well one' is not a well name"),
        ("well,dose\n,1", "'' is not a well name"),
        ("row,column,dose\n0,1,1", "has row '0' and column '1', which are no well"),
        ("well,dose\nA1,high", "'high' is not a dose"),
        ("well,dose_unit,dose\nA1,mg/ml,3", "'3 mg/ml' has no unit of dose"),
    ],
)
def test_wells_and_doses_that_cannot_be_read_are_refused_with_the_files_name(read, text, why):
    with pytest.raises(ScreenFormatError, match=rf"map\.csv(, line 2)?: {why}"):
        read(text)
