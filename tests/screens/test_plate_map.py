import pandas as pd
import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.plate_map import join_plate_map, read_plate_map

P96 = PlateFormat.of(96)


def sites_of(*places, **columns):
    table = pd.DataFrame(places, columns=["plate", "well"]).assign(site=1)
    return table.assign(**columns)


SITES = sites_of(("P1", "A01"), ("P1", "A01"), ("P1", "B02"), ("P2", "A01"))


@pytest.fixture
def join(tmp_path):
    def write_and_join(sites, text, **kwargs):
        path = tmp_path / "map.csv"
        path.write_text(text, encoding="utf-8")
        return join_plate_map(sites, read_plate_map(path), plate_format=P96, **kwargs)

    return write_and_join


def test_a_map_without_plates_holds_for_every_plate(join):
    sites, warnings = join(SITES, "well,compound,dose_um\nB2,b,2\nA1,a,1")
    assert sites["compound"].tolist() == ["a", "a", "b", "a"]
    assert sites["dose_um"].tolist() == [1.0, 1.0, 2.0, 1.0]
    assert warnings == ["1 well of map.csv not imaged (B02)"]  # of plate P2


def test_a_map_with_plates_is_joined_by_plate_and_well_in_any_order(join):
    sites, warnings = join(SITES, "Plate,Well,drug\np2,A1,c\nP1,B2,b\nP1,A1,a\nP9,A1,z")
    assert sites["compound"].tolist() == ["a", "a", "b", "c"]
    assert warnings == []


def test_wells_that_only_one_side_has_are_counted(join):
    sites, warnings = join(SITES, "plate,well,drug\nP1,A1,a\nP1,A2,b\nP1,A3,c\nP1,H13,d")
    assert sites["compound"].tolist() == ["a", "a", "", ""]
    assert warnings == [
        "map.csv names 1 well outside the 96-well plate (H13)",
        "map.csv has no plate P2 (1 plate)",
        "2 wells of map.csv not imaged (A02, A03)",
        "1 imaged well not in map.csv (B02)",
    ]


def test_the_map_replaces_what_the_sites_say_and_tells_but_its_gaps_erase_nothing(join):
    sites = SITES.assign(compound=["old", "old", "kept", "same"])
    joined, warnings = join(sites, "plate,well,drug\nP1,A1,new\nP1,B2,\nP2,A1,same")
    assert joined["compound"].tolist() == ["new", "new", "kept", "same"]
    assert warnings == [
        "map.csv gives another compound for 1 well (A01); its value replaces the one there was"
    ]
    joined, warnings = join(sites, "plate,well,drug\nP1,A1,new\nP1,B2,\nP2,A1,same", override=False)
    assert joined["compound"].tolist() == ["old", "old", "kept", "same"]
    assert "does not replace" in warnings[0]


@pytest.mark.parametrize(
    "plate", ["BR00121482", "br00121482", "BR00121482__2020-11-08T18_57_33-Measurement1"]
)
def test_plates_are_found_despite_case_and_the_time_of_measurement(join, plate):
    imaged = "BR00121482__2020-11-08T18_57_33-Measurement1"
    sites, _ = join(sites_of((imaged, "A01")), f"barcode,well,drug\n{plate},A1,a")
    assert sites["compound"].tolist() == ["a"]


def test_plates_counted_within_an_experiment_are_told_apart(join):
    sites = sites_of(("HEPG2-01_1", "A01"), ("HEPG2-02_1", "A01"))
    joined, _ = join(
        sites, "experiment,plate,well,sirna\nHEPG2-02,1,A1,s2\nHEPG2-01,1,A1,s1\nHEPG2-01,2,A1,s3"
    )
    assert joined["sirna"].tolist() == ["s1", "s2"]
    with pytest.raises(ScreenFormatError, match="in several experiments"):
        join(sites_of(("1", "A01")), "experiment,plate,well\nX,1,A1\nY,1,A1")


def test_duplicate_wells_are_refused_by_name(join):
    with pytest.raises(ScreenFormatError, match=r"lists 2 wells more than once \(A01, B02\)"):
        join(SITES, "well,drug\nA1,a\nB2,b\nA01,c\nb2,b")
    with pytest.raises(ScreenFormatError, match=r"lists 1 well more than once \(P1 A01\)"):
        join(SITES, "plate,well,drug\nP1,A1,a\nP2,A1,a\nP1,A01,c")


def test_a_map_with_a_row_per_site_is_read_as_one_per_well(join):
    sites, _ = join(SITES, "well,site,drug\nA1,1,a\nA1,2,a\nB2,1,b\nB2,2,b")
    assert sites["compound"].tolist() == ["a", "a", "b", "a"]
    with pytest.raises(ScreenFormatError, match="more than once"):
        join(SITES, "well,site,drug\nA1,1,a\nA1,2,b")


def test_a_map_of_other_plates_is_refused_with_examples_of_both(join):
    with pytest.raises(ScreenFormatError, match=r"it has X1, X2, the screen has P1, P2"):
        join(SITES, "plate,well,drug\nX1,A1,a\nX2,A1,a")


def test_a_map_of_other_wells_is_refused_with_examples_of_both(join):
    with pytest.raises(ScreenFormatError, match=r"it has H01, H02, the screen has A01, B02"):
        join(SITES, "well,drug\nH1,a\nH2,a")


def test_a_table_without_wells_is_no_map(join):
    with pytest.raises(ScreenFormatError, match="has no column of wells"):
        join(SITES, "drug,dose\na,1")


def test_rows_keep_their_order_and_columns_their_types(join):
    sites = SITES.assign(x_um=[4.0, 3.0, 2.0, 1.0], path_DNA=list("dcba"))
    joined, _ = join(sites, "well,drug\nB2,b\nA1,a")
    pd.testing.assert_frame_equal(joined[sites.columns], sites)
