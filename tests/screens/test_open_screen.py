import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.open_screen import annotate_screen, open_screen
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.screen_table import read, save_screen


@pytest.fixture
def screen(tmp_path):
    planes = [
        ("P1", well, site, "DAPI", f"{well}_{site}.tif")
        for well in ("A01", "A02", "A03", "B01")
        for site in (1, 2)
    ]
    columns = ["plate", "well", "site", "label", "address"]
    return assemble_screen(
        pd.DataFrame(planes, columns=columns), root=tmp_path, format="test", source="here"
    )


@pytest.fixture
def write(tmp_path):
    def write_text(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write_text


MAP = """well,broad_sample,solvent,dose
A1,BRD-1,DMSO,19.999 µM
A2,BRD-1,DMSO,20
A3,BRD-2,DMSO,500 nM
B1,,DMSO,
"""
SAMPLES = """broad_sample,pert_iname,smiles
BRD-1,Taxol,"C(C)O |r,&1:3|"
BRD-2,aspirin,CC(=O)[O-].[Na+]
"""


def wells_of(screen):
    return screen.sites.drop_duplicates("well").set_index("well")


def test_a_plate_map_and_two_tables_in_a_chain_say_what_is_in_every_well(screen, write):
    found = annotate_screen(
        screen,
        plate_map=write("map.csv", MAP),
        metadata=[
            write("samples.csv", SAMPLES),
            write("hub.csv", "pert_iname\tmoa\ntaxol\ttubulin inhibitor\naspirin\tCOX inhibitor"),
        ],
    )
    wells = wells_of(found)
    assert wells["compound"].tolist() == ["Taxol", "Taxol", "aspirin", "DMSO"]
    assert wells["smiles"].tolist() == ["C(C)O", "C(C)O", "CC(=O)[O-].[Na+]", ""]
    assert wells["smiles_standard"].tolist() == ["CCO", "CCO", "CC(=O)O", ""]
    assert wells["moa"].tolist() == ["tubulin inhibitor"] * 2 + ["COX inhibitor", ""]
    assert wells["control"].tolist() == ["", "", "", "negcon"]
    np.testing.assert_array_equal(wells["dose_um"], [20.0, 20.0, 0.5, np.nan])
    np.testing.assert_array_equal(wells["dose_um_given"], [19.999, 20.0, 0.5, np.nan])
    assert found.n_sites == screen.n_sites
    assert found.warnings == ()


def test_snapping_that_shows_is_told(screen, write):
    found = annotate_screen(
        screen, plate_map=write("m.csv", "well,drug,dose\nA1,a,0.026\nA2,a,0.025\nA3,b,0.025")
    )
    assert wells_of(found)["dose_um"].tolist()[:3] == [0.025] * 3
    assert "1 dose snapped to a near and more frequent one (0.026 to 0.025 uM)" in " ".join(
        found.warnings
    )


def test_rejected_smiles_are_counted_and_the_plate_goes_on(screen, write):
    found = annotate_screen(
        screen, plate_map=write("m.csv", "well,drug,smiles\nA1,a,C1CC\nA2,b,nonsense\nA3,c,OC")
    )
    wells = wells_of(found)
    assert wells["smiles"].tolist() == ["C1CC", "nonsense", "OC", ""]
    assert wells["smiles_standard"].tolist() == ["", "", "CO", ""]
    assert "RDKit rejects 2 SMILES, the first is 'C1CC'; correct them" in found.warnings


def test_a_metadata_table_of_wells_fills_gaps_by_well(screen, write):
    found = annotate_screen(
        screen,
        plate_map=write("map.csv", "well,drug\nA1,a\nA2,b\nA3,c\nB1,d"),
        metadata=[write("cells.csv", "well,cell_line,drug\nA1,U2OS,x\nA2,A549,\nA3,,\nB1,,")],
    )
    assert wells_of(found)["cell_line"].tolist() == ["U2OS", "A549", "", ""]
    assert wells_of(found)["compound"].tolist() == ["a", "b", "c", "d"]


def test_a_negative_dose_names_the_source(screen, write):
    sites = screen.sites.assign(dose_um=-3.0)
    with pytest.raises(ScreenFormatError, match=r"here: -3\.0 is not a dose"):
        annotate_screen(screen.with_sites(sites))


def test_l1000s_mark_of_a_missing_dose_is_missing(screen):
    found = annotate_screen(screen.with_sites(screen.sites.assign(dose_um=-666.0)))
    assert found.sites["dose_um"].isna().all()


def test_an_annotated_screen_opens_the_same_from_its_own_table(screen, write, tmp_path):
    found = annotate_screen(
        screen, plate_map=write("map.csv", MAP), metadata=[write("samples.csv", SAMPLES)]
    )
    save_screen(found, tmp_path / "screen.parquet")
    again = open_screen(tmp_path / "screen.parquet", options=ReadOptions())
    pd.testing.assert_frame_equal(again.sites, found.sites, check_dtype=False)
    assert again.warnings == ()


def test_a_new_smiles_gets_a_new_standard_form(screen, write):
    first = annotate_screen(screen, plate_map=write("a.csv", "well,drug,smiles\nA1,a,OC"))
    second = annotate_screen(first, plate_map=write("b.csv", "well,drug,smiles\nA1,a,OCC"))
    assert wells_of(second)["smiles_standard"]["A01"] == "CCO"


def test_a_barcode_table_is_recognised_as_such(screen, write):
    write("one.txt", "well\tdrug\nA1\ta\nA2\tDMSO")
    found = annotate_screen(screen, plate_map=write("b.csv", "barcode,platemap_file\nP1,one"))
    assert wells_of(found)["control"].tolist() == ["", "negcon", "", ""]
    assert "2 imaged wells not in one.txt (A03, B01)" in found.warnings


def test_the_table_of_a_source_is_read_and_annotated(screen, tmp_path, write):
    save_screen(screen, tmp_path / "screen.csv")
    found = open_screen(tmp_path / "screen.csv", plate_map=write("map.csv", MAP))
    assert read(tmp_path / "screen.csv", ReadOptions()).n_sites == found.n_sites
    assert wells_of(found)["compound"].tolist() == ["BRD-1", "BRD-1", "BRD-2", "DMSO"]
