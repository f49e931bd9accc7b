import pandas as pd
import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.annotation_table import read_annotation_table
from napari_tide.screens.barcode_table import (
    barcode_table_of,
    find_map_file,
    is_barcode_table,
    join_barcode_table,
)
from napari_tide.screens.plate_format import PlateFormat

SITES = pd.DataFrame(
    [(plate, well, 1) for plate in ("P1", "P2", "P3") for well in ("A01", "A02")],
    columns=["plate", "well", "site"],
)


@pytest.fixture
def join(tmp_path):
    def write_and_join(text, **maps):
        for name, content in maps.items():
            stem, _, ending = name.rpartition("_")
            (tmp_path / f"{stem}.{ending}").write_text(content)
        path = tmp_path / "barcode_platemap.csv"
        path.write_text(text, encoding="utf-8-sig")
        table = read_annotation_table(path)
        assert is_barcode_table(table)
        return join_barcode_table(SITES, barcode_table_of(table), plate_format=PlateFormat.of(96))

    return write_and_join


def test_each_plate_gets_the_map_it_was_made_after(join):
    sites, warnings = join(
        "Assay_Plate_Barcode,Plate_Map_Name,time_point\nP1,one,24\nP2,two,48\nP3,one,72",
        one_txt="well_position\tbroad_sample\nA01\tBRD-1\nA02\tBRD-2",
        two_csv="well,broad_sample\nA01,BRD-3\nA02,BRD-4",
    )
    assert sites["broad_sample"].tolist() == [f"BRD-{n}" for n in (1, 2, 3, 4, 1, 2)]
    assert sites["time_point"].tolist() == ["24", "24", "48", "48", "72", "72"]
    assert warnings == []


def test_a_map_without_a_file_and_a_plate_without_a_row_are_told(join):
    sites, warnings = join(
        "barcode,platemap_file\nP1,control\nP2,two", two_tsv="well\tdrug\nA01\ta\nA02\tb"
    )
    assert sites["compound"].tolist() == ["", "", "a", "b", "", ""]
    unlisted, no_file = warnings
    assert unlisted == "barcode_platemap.csv has no plate P3 (1 plate)"
    assert "names plate map 'control' for P1 (1 plate), and no such file is beside it" in no_file


def test_maps_are_also_found_in_the_platemap_folder_of_jump(tmp_path):
    (tmp_path / "platemap").mkdir()
    (tmp_path / "platemap" / "a.txt").touch()
    assert find_map_file("a", tmp_path) == tmp_path / "platemap" / "a.txt"
    assert find_map_file("b", tmp_path) is None


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "..", "sub/a", r"..\a"])
def test_a_map_name_cannot_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(ScreenFormatError, match="expected a file name, no path"):
        find_map_file(name, tmp_path)


def test_a_plate_with_two_maps_and_a_table_of_other_plates_are_refused(join):
    with pytest.raises(ScreenFormatError, match="gives plate P1 more than one map"):
        join("barcode,platemap_file\nP1,a\nP1,b")
    with pytest.raises(ScreenFormatError, match="it has X1, the screen has P1, P2, P3"):
        join("barcode,platemap_file\nX1,a")


def test_a_plate_map_is_no_barcode_table(tmp_path):
    (tmp_path / "map.csv").write_text("plate,plate_map,well\nP1,a,A01")
    assert not is_barcode_table(read_annotation_table(tmp_path / "map.csv"))
