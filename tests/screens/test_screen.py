import json
import math
import random

import pandas as pd
import pyarrow.parquet as pq
import pytest

from napari_tide.errors import (
    OutputWriteError,
    PathEscapeError,
    ScreenFormatError,
    ScreenValueError,
)
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.readers.screen_table import claims, read, save_screen
from napari_tide.screens.well import Well


def planes(*rows):
    return pd.DataFrame(rows, columns=["plate", "well", "site", "label", "address"])


def screen_of(*rows, **kwargs):
    kwargs.setdefault("root", "/plates")
    return assemble_screen(planes(*rows), format="test", source="here", **kwargs)


TWO_SITES = (
    ("P1", "B2", 2, "DAPI", "b2_2_dapi.tif"),
    ("P1", "B2", 2, "ER", "b2_2_er.tif"),
    ("P1", "B2", 1, "DAPI", "b2_1_dapi.tif"),
    ("P1", "A10", 1, "ER", "a10.tif"),
)


def test_planes_become_one_row_per_site_in_plate_order():
    screen = screen_of(*TWO_SITES)
    assert screen.channel_names == ["DNA", "ER"]
    assert list(zip(screen.sites["well"], screen.sites["site"], strict=True)) == [
        ("A10", 1), ("B02", 1), ("B02", 2),
    ]  # fmt: skip
    assert screen.plate("P1").format == PlateFormat(8, 12)


def test_a_site_leaves_out_channels_that_were_not_imaged():
    site = screen_of(*TWO_SITES).site("P1", Well.parse("A10"), 1)
    assert {name: str(address) for name, address in site.planes.items()} == {
        "ER": "/plates/a10.tif"
    }


def test_wells_and_their_sites_are_found_whatever_order_the_table_came_in():
    names = ["A01", "A02", "B01", "AA01", "C10"]
    rows = [
        (plate, well, site, "ER", f"{plate}_{well}_{site}.tif")
        for plate in ("P2", "P10", "P1")
        for well in names
        for site in range(1, 2 + names.index(well))
        if (plate, well) != ("P10", "B01")
    ]
    screen = screen_of(*random.Random(0).sample(rows, len(rows)))
    for plate in ("P1", "P2", "P10"):
        imaged = {Well.parse(row[1]) for row in rows if row[0] == plate}
        assert screen.plate(plate).wells == tuple(sorted(imaged))
        for well in map(Well.parse, names):
            sites = sorted(row[2] for row in rows if row[:2] == (plate, well.name))
            assert screen.site_numbers(plate, well) == sites
    assert screen.site_numbers("P3", Well(0, 0)) == []


def test_two_images_for_one_plane_are_refused():
    with pytest.raises(ScreenFormatError, match="two images for plate P1 well B2 site 1"):
        screen_of(("P1", "B2", 1, "ER", "x.tif"), ("P1", "B2", 1, "ER", "y.tif"))


def test_two_labels_for_one_stain_are_refused_and_can_be_told_apart():
    rows = (("P1", "B2", 1, "DAPI", "x.tif"), ("P1", "B2", 1, "Hoechst", "y.tif"))
    with pytest.raises(ScreenFormatError, match=r"here: channels .* are both DNA"):
        screen_of(*rows)
    assert screen_of(*rows, renames={"hoechst": "Nuclei2"}).channel_names == ["DNA", "Nuclei2"]


@pytest.mark.parametrize(
    "address", ["../x.tif", "/etc/passwd", "a/../../x.tif", "../platesX/x.tif", ".", "#c=1"]
)
def test_paths_that_leave_the_folder_are_refused_unless_allowed(address):
    with pytest.raises(PathEscapeError, match="--allow-outside"):
        screen_of(("P1", "B2", 1, "ER", address))
    screen_of(("P1", "B2", 1, "ER", address), allow_outside=True)


def test_unknown_channels_and_sites_say_what_is_there():
    screen = screen_of(*TWO_SITES)
    with pytest.raises(ScreenValueError, match=r"no Mito channel. Available: \['DNA', 'ER'\]"):
        screen.select(["Mito"])
    with pytest.raises(ScreenValueError, match="no plate 'P2'"):
        screen.plate("P2")
    with pytest.raises(ScreenValueError, match="no site 7 in well B02"):
        screen.site("P1", Well(1, 1), 7)


def test_channels_are_selected_by_stain_in_any_spelling():
    assert screen_of(*TWO_SITES).select(["ER", "Hoechst"]).channel_names == ["ER", "DNA"]


def test_missing_files_are_listed_without_opening_any(tmp_path):
    (tmp_path / "a10.tif").write_text("not read")
    missing = screen_of(*TWO_SITES, root=tmp_path).missing_files()
    assert [path.rsplit("/", 1)[1] for path in missing] == [
        "b2_1_dapi.tif", "b2_2_dapi.tif", "b2_2_er.tif",
    ]  # fmt: skip


def test_a_missing_file_that_holds_several_planes_is_listed_once(tmp_path):
    rows = [("P1", "B2", 1, label, f"gone.tif#page={i}") for i, label in enumerate(["DNA", "ER"])]
    missing = screen_of(*rows, root=tmp_path).missing_files()
    assert missing == [str(tmp_path / "gone.tif")]


def test_wells_beyond_the_plate_are_refused_with_the_source_named():
    with pytest.raises(ScreenFormatError, match="here: well Z99 lies outside the largest plate"):
        screen_of(("P1", "Z99", 1, "ER", "x.tif"))
    with pytest.raises(ScreenFormatError, match=r"here says its plates have 8 rows .* well P24"):
        screen_of(("P1", "P24", 1, "ER", "x.tif"), plate_format=PlateFormat(8, 12))


def test_the_root_of_the_disk_can_be_a_screens_root():
    screen = screen_of(("P1", "A01", 1, "ER", "data/x.tif"), root="/")
    assert str(screen.site("P1", Well(0, 0), 1).planes["ER"]) == "/data/x.tif"


def test_a_channel_cannot_be_given_an_empty_name():
    with pytest.raises(ScreenValueError, match="gives 'ER' no name"):
        screen_of(("P1", "A01", 1, "ER", "x.tif"), renames={"ER": " "})


def test_renaming_a_channel_that_is_not_there_is_refused():
    with pytest.raises(ScreenValueError, match=r"'ch9', .* no channel of here. .*: \['ER'\]"):
        screen_of(("P1", "A01", 1, "ER", "x.tif"), renames={"ch9": "DNA"})


@pytest.mark.parametrize(
    "row",
    [("P\udcc8", "B2", 1, "ER", "a.tif"), ("P", "B2", 1, "\udcc8", "a.tif"),
     ("P", "B2", 1, "ER", "\udcc8.tif")],
    ids=["plate", "channel", "path"],
)  # fmt: skip
def test_names_that_no_table_can_hold_are_refused(row):
    with pytest.raises(ScreenFormatError, match=r"here has .*udcc8.* no letters in UTF-8; rename"):
        screen_of(row)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"channels": [["DNA", "a"], ["DNA", "b"], ["ER", "ER"]]}, "channel 'DNA' twice"),
        ({"channels": [["DNA", "a"], [" ", "b"]]}, "names channel ' ' twice or not at all"),
        ({"channels": []}, "names no channel"),
        ({"plate_wells": 7}, "no plate has 7 wells"),
        ({"plate_wells": 0}, "no plate has 0 wells"),
        ({"pixel_size_um": -1}, "greater than 0"),
        ({"format_version": 2}, "written by a newer napari-tide"),
    ],
)
def test_a_damaged_header_of_a_table_is_refused_by_name(tmp_path, change, match):
    save_screen(screen_of(*TWO_SITES), tmp_path / "screen.csv")
    header = tmp_path / "screen.csv.json"
    header.write_text(json.dumps({**json.loads(header.read_text()), **change}))
    with pytest.raises(ScreenFormatError, match=rf"{tmp_path}/screen.csv .*{match}"):
        read(tmp_path / "screen.csv", ReadOptions())


@pytest.mark.parametrize("size", [0.0, -0.6, float("nan"), float("inf")])
def test_pixels_without_a_width_are_refused(size):
    with pytest.raises(ScreenFormatError, match=r"here has pixels of .* a width above zero"):
        screen_of(*TWO_SITES, pixel_size_um=size)


def test_a_table_with_two_columns_of_one_name_is_refused():
    screen = screen_of(*TWO_SITES)
    doubled = pd.concat([screen.sites, screen.sites[["path_DNA"]]], axis=1)
    with pytest.raises(ScreenFormatError, match="here has 2 columns 'path_DNA'; keep one"):
        screen.with_sites(doubled)


def test_doses_of_a_table_may_be_text_with_units():
    sites = screen_of(*TWO_SITES).sites.assign(dose_um=["10 uM", "500 nM", ""])
    doses = screen_of(*TWO_SITES).with_sites(sites).sites["dose_um"]
    assert doses.tolist()[:2] == [10.0, 0.5]
    assert math.isnan(doses[2])


@pytest.mark.parametrize(
    ("column", "value", "match"),
    [
        ("dose_um", "high", "plate P1 well B02, column dose_um: 'high' is not a dose; expected"),
        ("control", "neg", "'neg' in column control; expected negcon, poscon or nothing"),
        ("perturbation_type", "drug", "'drug' in column perturbation_type; expected compound, "),
    ],
)
def test_values_outside_the_tables_words_are_refused(column, value, match):
    screen = screen_of(*TWO_SITES)
    with pytest.raises(ScreenFormatError, match=f"^here.* {match}"):
        screen.with_sites(screen.sites.assign(**{column: ["", value, ""]}))


def test_only_files_in_their_own_folder_count_as_there(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("in/a.tif", "b.tif"):
        (tmp_path / name).touch()
    addresses = ["in/a.tif", "in/../b.tif#page=1", "b.tif#page=2", "in/b.tif", "a.tif"]
    rows = [("P", "A1", site, "ER", address) for site, address in enumerate(addresses)]
    missing = screen_of(*rows, root=tmp_path, allow_outside=True).missing_files()
    assert missing == [f"{tmp_path}/in/b.tif", f"{tmp_path}/a.tif"]


def test_a_column_name_that_is_no_utf_8_is_refused_by_file(tmp_path):
    path = tmp_path / "screen.parquet"
    save_screen(screen_of(*TWO_SITES), path)
    path.write_bytes(path.read_bytes().replace(b"smiles", b"\xf3miles"))
    with pytest.raises(ScreenFormatError, match=r"screen.parquet cannot be read .*can't decode"):
        read_screen(path, ReadOptions())


def test_what_pandas_noted_in_a_table_may_be_damaged(tmp_path):
    path = tmp_path / "screen.parquet"
    save_screen(screen_of(*TWO_SITES, root=tmp_path), path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"pandas": b"{"}), path)
    assert read_screen(path, ReadOptions()).n_sites == 3


@pytest.mark.parametrize("folder", ["x" * 300, "a\0b"], ids=["too long", "null"])
def test_a_folder_no_disk_can_have_is_missing(tmp_path, folder):
    screen = screen_of(("P1", "B2", 1, "DNA", f"{folder}/a.tif"), root=tmp_path)
    assert screen.missing_files() == [f"{tmp_path}/{folder}/a.tif"]


@pytest.mark.parametrize("name", ["screen.parquet", "screen.csv"])
def test_a_saved_screen_reads_back_the_same_from_another_folder(tmp_path, name):
    screen = screen_of(*TWO_SITES, root=tmp_path / "images", pixel_size_um=0.598)
    save_screen(screen, tmp_path / name)
    assert claims(tmp_path / name)
    again = read(tmp_path / name, ReadOptions())
    assert again.channels == screen.channels
    assert again.pixel_size_um == 0.598
    assert again.site("P1", Well(1, 1), 2).planes == screen.site("P1", Well(1, 1), 2).planes
    pd.testing.assert_frame_equal(
        again.sites.drop(columns=["path_DNA", "path_ER"]),
        screen.sites.drop(columns=["path_DNA", "path_ER"]),
    )


@pytest.mark.parametrize("name", ["screen.parquet", "screen.csv"])
def test_a_plate_of_no_usual_grid_opens_again(tmp_path, name):
    grid = PlateFormat(5, 7)
    save_screen(screen_of(("P1", "E7", 1, "DAPI", "a.tif"), plate_format=grid), tmp_path / name)
    assert read(tmp_path / name, ReadOptions(allow_outside=True)).plate_format == grid


@pytest.mark.parametrize("old", ["ER", "er", "Alexa 488"])
def test_channels_of_a_saved_screen_are_renamed_by_name_or_label(tmp_path, old):
    rows = [("P1", "A1", 1, "DAPI", "a.tif"), ("P1", "A1", 1, "Alexa 488", "b.tif")]
    sites = screen_of(*rows, root=tmp_path).sites.assign(illum_ER="er.npy")
    save_screen(screen_of(*rows, root=tmp_path).with_sites(sites), tmp_path / "screen.parquet")
    screen = read(tmp_path / "screen.parquet", ReadOptions(channels={old: "phalloidin"}))
    assert [(it.name, it.label) for it in screen.channels] == [
        ("DNA", "DAPI"), ("Actin", "Alexa 488"),
    ]  # fmt: skip
    site = screen.site_at(0)
    assert site.planes["Actin"].path == tmp_path / "b.tif"
    assert site.illumination["Actin"].path == tmp_path / "er.npy"
    with pytest.raises(ScreenValueError, match=r"'ch9', which is no channel of .*screen.parquet"):
        read(tmp_path / "screen.parquet", ReadOptions(channels={"ch9": "RNA"}))


def test_a_table_made_by_hand_has_channels_by_stain(tmp_path):
    (tmp_path / "mine.csv").write_text("plate,well,site,path_Hoechst,illum_Hoechst\nP,A1,1,a,b\n")
    screen = read_screen(tmp_path / "mine.csv", ReadOptions())
    assert screen.channel_names == ["DNA"]
    assert screen.site_at(0).illumination["DNA"].path == tmp_path / "b"


def test_images_of_a_saved_screen_that_moved_are_found_by_the_end_of_their_path(tmp_path):
    rows = [("P1", "A1", site, "DAPI", f"raw/P1/{site}.tif#page=3") for site in (1, 2)]
    save_screen(screen_of(*rows, root=tmp_path / "here"), tmp_path / "here/screen.parquet")
    (tmp_path / "there/P1").mkdir(parents=True)
    (tmp_path / "there/P1/1.tif").touch()
    options = ReadOptions(images=tmp_path / "there")
    screen = read(tmp_path / "here/screen.parquet", options)
    first, second = (screen.site_at(row).planes["DNA"] for row in (0, 1))
    assert (first.path, first.index("page")) == (tmp_path / "there/P1/1.tif", 3)
    assert screen.missing_files() == [str(second.path)] == [str(tmp_path / "there/P1/2.tif")]


@pytest.mark.parametrize("name", ["file/screen.parquet", "file/screen.csv", "folder/screen.csv"])
def test_a_screen_that_cannot_be_written_is_our_error_and_leaves_nothing(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "folder/screen.csv").mkdir(parents=True)
    with pytest.raises(OutputWriteError, match=r"cannot write .*; choose another --out"):
        save_screen(screen_of(*TWO_SITES, root=tmp_path), tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "screen.csv"]


def test_a_parquet_file_that_is_no_screen_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ScreenFormatError, match="not a screen table"):
        read(tmp_path / "x.parquet", ReadOptions())
