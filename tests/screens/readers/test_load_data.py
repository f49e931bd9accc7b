import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import PathEscapeError, ScreenFormatError, ScreenValueError
from napari_tide.screens.readers.load_data import claims, read
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import find_reader, read_screen
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.summary import summarise_screen
from napari_tide.screens.well import Well

OLD = "/media/18tbdrive/screen/BR01__2024-07-04T16_04_45-Measurement 2/Images"
HEADER = (
    "FileName_OrigDNA,PathName_OrigDNA,FileName_OrigER,PathName_OrigER,"
    "Metadata_Plate,Metadata_Well,Metadata_Site"
)
ROWS = (
    f"r01_d.tiff,{OLD},r01_e.tiff,{OLD},BR01,A01,1",
    f"r02_d.tiff,{OLD},r02_e.tiff,{OLD},BR01,P24,2",
)


def write(path, *rows, header=HEADER, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\n".join([header, *rows, ""]).encode(encoding))
    return path


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "load_data.csv", *ROWS)


def read_plain(path, **options):
    return read(path, ReadOptions(**options))


def test_rows_become_sites_with_channels_by_stain(table):
    screen = read_plain(table)
    assert screen.channel_names == ["DNA", "ER"]
    assert list(zip(screen.sites["well"], screen.sites["site"], strict=True)) == [
        ("A01", 1), ("P24", 2),
    ]  # fmt: skip
    assert screen.plate_names == ["BR01"]
    assert screen.plate("BR01").format.n_wells == 384


def test_images_found_nowhere_keep_the_end_of_their_path_and_are_all_missing(table):
    screen = read_plain(table)
    where = "BR01__2024-07-04T16_04_45-Measurement 2/Images"
    assert screen.sites["path_ER"].tolist() == [f"{where}/r01_e.tiff", f"{where}/r02_e.tiff"]
    assert len(screen.missing_files()) == 4


@pytest.mark.parametrize(
    "folder",
    [
        "",
        "Images",
        "images",
        "BR01__2024-07-04T16_04_45-Measurement 2/Images",
        "screen/BR01__2024-07-04T16_04_45-Measurement 2/Images",
    ],
)
def test_moved_images_are_found_beneath_the_table(table, folder):
    touch(*(table.parent / folder / f"r0{n}_{c}.tiff" for n in (1, 2) for c in "de"))
    screen = read_plain(table)
    assert screen.missing_files() == []
    assert screen.site("BR01", Well(0, 0), 1).planes["ER"].path == (
        table.parent / folder / "r01_e.tiff"
    )


@pytest.mark.parametrize("inside", ["", "Images", "orig"])
def test_the_images_folder_given_by_the_user_is_searched(table, tmp_path_factory, inside):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    touch(*(elsewhere / inside / f"r0{n}_{c}.tiff" for n in (1, 2) for c in "de"))
    screen = read_plain(table, images=elsewhere)
    assert screen.missing_files() == []
    assert screen.root == elsewhere


def test_old_paths_of_windows_are_followed(tmp_path):
    old = "D:\\data\\BR01\\Images"
    path = write(tmp_path / "load_data.csv", f"a.tif,{old},b.tif,{old}\\,BR01,A01,1")
    touch(tmp_path / "BR01/Images/a.tif", tmp_path / "BR01/Images/b.tif")
    assert read_plain(path).missing_files() == []


def test_images_outside_the_tables_folder_need_leave(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    touch(elsewhere / "a.tif", elsewhere / "b.tif")
    row = f"a.tif,{elsewhere},b.tif,{elsewhere},BR01,A01,1"
    path = write(tmp_path / "tables/load_data.csv", row)
    with pytest.raises(
        PathEscapeError, match=r"lies outside .*tables; .*--images.*--allow-outside"
    ):
        read_plain(path)
    assert read_plain(path, allow_outside=True).missing_files() == []
    assert read_plain(path, images=elsewhere).missing_files() == []


@pytest.mark.parametrize("name", ["../secret/a.tif", "../../secret/a.tif", "..\\secret\\a.tif"])
def test_a_name_with_steps_upwards_cannot_leave(tmp_path, name):
    touch(tmp_path / "secret/a.tif", tmp_path / "x/secret/a.tif")
    path = write(tmp_path / "x/y/load_data.csv", f"{name},.,b.tif,.,BR01,A01,1")
    with pytest.raises(PathEscapeError, match="secret, which lies outside"):
        read_plain(path)


def test_illumination_beside_the_table_is_found_while_images_are_elsewhere(tmp_path):
    header = f"{HEADER},FileName_IllumDNA,PathName_IllumDNA"
    rows = [f"{row},BR01_IllumDNA.npy,/home/jenna/illum/BR01" for row in ROWS]
    path = write(tmp_path / "tables/load_data_with_illum.csv", *rows, header=header)
    touch(*(tmp_path / f"images/r0{n}_{c}.tiff" for n in (1, 2) for c in "de"))
    touch(tmp_path / "tables/illum/BR01/BR01_IllumDNA.npy")
    screen = read_plain(path, images=tmp_path / "images")
    site = screen.site("BR01", Well(15, 23), 2)
    assert site.illumination["DNA"].path == tmp_path / "tables/illum/BR01/BR01_IllumDNA.npy"
    assert "ER" not in site.illumination
    assert screen.missing_files() == []
    assert screen.warnings == ()


def test_lost_illumination_is_kept_and_told(tmp_path):
    header = f"{HEADER},FileName_IllumDNA,PathName_IllumDNA"
    rows = [f"{row},BR01_IllumDNA.npy,/home/jenna/illum/BR01" for row in ROWS]
    screen = read_plain(write(tmp_path / "load_data.csv", *rows, header=header))
    assert set(screen.sites["illum_DNA"]) == {"illum/BR01/BR01_IllumDNA.npy"}
    lost = str(tmp_path / "illum/BR01/BR01_IllumDNA.npy")
    assert screen.missing_illumination_files() == [lost]
    told = [
        text for text in summarise_screen(screen).warnings if "of illumination functions" in text
    ]
    assert len(told) == 1
    assert f"1 file of illumination functions missing, the first is {lost}; copy them" in told[0]


def test_urls_and_names_with_folders_are_files_too(tmp_path):
    header = "URL_DNA,FileName_ER,Metadata_Plate,Metadata_Well,Metadata_Site"
    row = "s3://gallery/set/BR01%20a/Images/d.tif,BR01 a/Images/e.tif,BR01,A01,1"
    path = write(tmp_path / "load_data.csv", row, header=header)
    touch(tmp_path / "BR01 a/Images/d.tif", tmp_path / "BR01 a/Images/e.tif")
    screen = read_plain(path)
    assert screen.missing_files() == []
    assert screen.sites["path_DNA"].tolist() == ["BR01 a/Images/d.tif"]


def test_two_plates_in_one_table_keep_their_own_images(tmp_path):
    rows = [f"d.tif,/disk/{name}/Images,e.tif,/disk/{name}/Images,{name},A01,1" for name in "PQ"]
    path = write(tmp_path / "load_data.csv", *rows)
    touch(*(tmp_path / f"P/Images/{name}.tif" for name in "de"))
    touch(tmp_path / "d.tif")
    screen = read_plain(path)
    assert screen.sites["path_DNA"].tolist() == ["P/Images/d.tif", "d.tif"]
    (tmp_path / "d.tif").unlink()
    touch(*(tmp_path / f"Images/{name}.tif" for name in "de"))
    with_images = read_plain(path).sites["path_DNA"].tolist()
    assert with_images == ["P/Images/d.tif", "Images/d.tif"]


def test_one_folder_cannot_be_two_plates(tmp_path):
    rows = [f"d.tif,/disk/{name}/Images,e.tif,/disk/{name}/Images,{name},A01,1" for name in "PQ"]
    path = write(tmp_path / "load_data.csv", *rows)
    touch(tmp_path / "Images/d.tif")
    with pytest.raises(ScreenFormatError, match="same files in /disk/P/Images and in /disk/Q/Im"):
        read_plain(path)


def test_wells_from_row_and_column_sites_from_fields_and_pixel_size_from_metres(tmp_path):
    header = (
        "FileName_OrigDNA,Metadata_PlateID,Metadata_Row,Metadata_Col,Metadata_FieldID,"
        "Metadata_ImageResolutionX,Metadata_PositionX,Metadata_AbsPositionZ_OrigDNA"
    )
    path = write(tmp_path / "load_data.csv", "a.tif,0012,2,3.0,07,5.98E-07,-0.000646,0.1346",
                 "b.tif,0012,C,12,07,5.98E-07,0,0.1346", header=header)  # fmt: skip
    screen = read_plain(path)
    assert screen.sites["well"].tolist() == ["B03", "C12"]
    assert screen.plate_names == ["0012"]
    assert screen.sites["site"].tolist() == [7, 7]
    assert screen.pixel_size_um == pytest.approx(0.598)
    assert screen.sites["x_um"].tolist() == pytest.approx([-646, 0])
    assert screen.sites["abs_position_z_orig_dna"].tolist() == ["0.1346", "0.1346"]


def test_metadata_that_means_ours_takes_our_name(tmp_path):
    header = HEADER + (
        ",Metadata_Batch,Metadata_Cell_Line,Metadata_pert_iname,Metadata_SMILES,"
        "Metadata_mmoles_per_liter,Metadata_control_type,Metadata_path_DNA"
    )
    row = ROWS[0] + ",b1,U2OS,aspirin,CC(=O)O,3.5,poscon_cp,x"
    sites = read_plain(write(tmp_path / "load_data.csv", row, header=header)).sites.iloc[0]
    expected = {
        "batch": "b1", "cell_line": "U2OS", "compound": "aspirin", "smiles": "CC(=O)O",
        "dose_um": 3.5, "control": "poscon", "metadata_path_dna": "x",
    }  # fmt: skip
    assert {name: sites[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("headers", "values", "dose_um"),
    [
        ("Metadata_Dose", "10 uM", 10.0),
        ("Metadata_Concentration", "500 nM", 0.5),
        ("Metadata_Dose_nM", "500", 0.5),
        ("Metadata_Dose,Metadata_Dose_Unit", "500,nM", 0.5),
        ("Metadata_Dose_uM", "2.5", 2.5),
    ],
)
def test_doses_take_their_unit_from_the_value_the_header_or_a_column_beside(
    tmp_path, headers, values, dose_um
):
    path = write(tmp_path / "load_data.csv", f"{ROWS[0]},{values}", header=f"{HEADER},{headers}")
    assert read_plain(path).sites["dose_um"].tolist() == [dose_um]


def test_doses_that_cannot_be_read_are_told_with_their_line(tmp_path):
    rows = [f"{ROWS[0]},2 uM", f"{ROWS[1]},high", f"{ROWS[1][:-1]}3,low"]
    path = write(tmp_path / "load_data.csv", *rows, header=f"{HEADER},Metadata_Dose")
    screen = read_plain(path)
    assert screen.sites["dose_um"].tolist()[0] == 2.0
    assert screen.sites["dose_um"].isna().tolist() == [False, True, True]
    (told,) = screen.warnings
    assert told.startswith(f"{path}, line 3: 'high' is not a dose; expected a number and a unit")
    assert told.endswith("such a dose stays unknown (1 other value of Metadata_Dose too)")


def test_words_for_controls_and_types_become_ours(tmp_path):
    header = f"{HEADER},Metadata_control_type,Metadata_pert_type,Metadata_gene"
    rows = [f"{ROWS[0]},negcon,trt_xpr,AAVS1", f"{ROWS[1]},odd,trt_xpr,PLK1"]
    screen = read_plain(write(tmp_path / "load_data.csv", *rows, header=header))
    assert screen.sites["control"].tolist() == ["negcon", ""]
    assert screen.sites["perturbation_type"].tolist() == ["control", "crispr"]
    assert "the control column says 'odd', which is neither" in screen.warnings[0]


def test_a_plate_without_a_name_is_called_by_its_folder(tmp_path):
    path = write(tmp_path / "BR7/load_data.csv", "a.tif,A01", header="FileName_DNA,Metadata_Well")
    assert read_plain(path).plate_names == ["BR7"]


def test_rows_without_images_are_left_out_and_told(tmp_path):
    path = write(tmp_path / "load_data.csv", *ROWS, f"nan,{OLD},,{OLD},BR01,B02,1",
                 f"a.tif,{OLD},,{OLD},BR01,B03,1")  # fmt: skip
    screen = read_plain(path)
    assert screen.n_sites == 3
    assert list(screen.site("BR01", Well(1, 2), 1).planes) == ["DNA"]
    assert "1 rows that name no image (the first is line 4)" in screen.warnings[0]
    assert "names no ER image for 1 of 4 sites" in screen.warnings[1]


def test_a_folder_with_a_table_per_plate_is_one_screen(tmp_path):
    for plate in ("P1", "P2"):
        row = f"{plate}_d.tif,.,{plate}_e.tif,.,{plate},A01,1"
        write(tmp_path / f"load_data_{plate}.csv", row)
        touch(tmp_path / f"{plate}_d.tif", tmp_path / f"{plate}_e.tif")
    assert find_reader(tmp_path).name == "load_data"
    screen = read_plain(tmp_path)
    assert screen.plate_names == ["P1", "P2"]
    assert screen.missing_files() == []


def test_a_folder_with_a_folder_per_plate_is_one_screen(tmp_path):
    header = f"{HEADER},FileName_IllumDNA"
    for plate in ("P1", "P2"):
        rows = (f"d.tif,/old,e.tif,/old,{plate},A01,1,i.npy",)
        write(tmp_path / plate / "load_data_with_illum.csv", *rows, header=header)
        touch(*(tmp_path / plate / "Images" / name for name in ("d.tif", "e.tif")))
        touch(tmp_path / plate / "i.npy", tmp_path / plate / "._load_data.csv")
    assert claims(tmp_path)
    screen = read_plain(tmp_path)
    assert screen.missing_files() == []
    assert screen.sites["path_ER"].tolist() == ["P1/Images/e.tif", "P2/Images/e.tif"]
    assert screen.sites["illum_DNA"].tolist() == ["P1/i.npy", "P2/i.npy"]


def test_a_network_share_is_asked_only_with_leave(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("os.listdir", lambda folder: asked.append(str(folder)) or [])
    path = write(tmp_path / "load_data.csv", r"a.tif,\\evil\share,b.tif,//evil/share,P,A01,1")
    read_plain(path)
    assert asked
    assert not [folder for folder in asked if folder.startswith(("//", "\\\\"))]


def test_a_screen_of_load_data_is_saved_and_opened_again(tmp_path, table):
    screen = read_plain(table)
    save_screen(screen, tmp_path / "out" / "screen.parquet")
    again = read_screen(tmp_path / "out" / "screen.parquet", ReadOptions(allow_outside=True))
    assert again.missing_files() == screen.missing_files()
    assert again.channels == screen.channels


def test_plates_with_other_channels_are_refused(tmp_path):
    write(tmp_path / "load_data_P1.csv", *ROWS)
    header = "FileName_AGP,Metadata_Plate,Metadata_Well"
    write(tmp_path / "load_data_P2.csv", "a.tif,P2,A01", header=header)
    with pytest.raises(ScreenFormatError, match=r"\['DNA', 'ER'\] but .*P2.csv has \['AGP'\]"):
        read_plain(tmp_path)


def test_a_table_of_another_name_is_read_alone_and_told_of_beside_a_load_data(tmp_path):
    write(tmp_path / "all_images.csv", ROWS[0])
    (tmp_path / "results.csv").write_text("Metadata_Well,Count\nA01,3\n")
    assert find_reader(tmp_path).name == "load_data"
    assert read_plain(tmp_path).n_sites == 1
    write(tmp_path / "load_data.csv", *ROWS)
    screen = read_plain(tmp_path)
    assert screen.n_sites == 2
    (told,) = screen.warnings
    assert told.startswith(f"all_images.csv in {tmp_path} also names images, and is left out")


def test_of_a_table_with_and_one_without_illumination_the_former_is_read(tmp_path):
    write(tmp_path / "load_data.csv", *ROWS)
    header = f"{HEADER},FileName_IllumDNA"
    richer = write(tmp_path / "load_data_with_illum.csv", ROWS[0] + ",i.npy", header=header)
    assert read_plain(tmp_path).source == str(richer)


@pytest.mark.parametrize("name", ["plate1.csv", "plate1.csv.gz", "LOAD_DATA.CSV"])
def test_a_table_is_known_by_its_header(tmp_path, name):
    content = "\n".join([HEADER, *ROWS]).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert claims(path)
    assert read_plain(path).n_sites == 2
    assert not claims(tmp_path / "absent.csv")
    assert not claims(write(tmp_path / "platemap.csv", "A01,x", header="well,compound"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators_of_spreadsheets_are_read(tmp_path, encoding, separator):
    lines = [f"{HEADER},Metadata_Compound", f"{ROWS[0]},caféine µ"]
    path = tmp_path / "load_data.csv"
    path.write_bytes("\r\n".join(lines).replace(",", separator).encode(encoding))
    assert claims(path)
    assert read_plain(path).sites["compound"].tolist() == ["caféine µ"]


def refused(path, match):
    assert claims(path)
    with pytest.raises(ScreenFormatError, match=match) as caught:
        read_plain(path)
    assert "\n" not in str(caught.value)


def test_a_picture_named_csv_is_refused(tmp_path):
    path = tmp_path / "load_data.csv"
    path.write_bytes(b"II*\0\x08\0\0\0\xff\xfe\0\0")
    refused(path, "is not text; expected a table")


def test_a_truncated_gz_is_refused(tmp_path):
    path = tmp_path / "load_data.csv.gz"
    whole = gzip.compress("\n".join([HEADER, *ROWS * 50]).encode())
    for n_bytes in (2, 12, len(whole) - 9):
        path.write_bytes(whole[:n_bytes])
        refused(path, "damaged or incomplete .gz file")


@pytest.mark.parametrize(
    ("header", "rows", "match"),
    [
        ("", (), "not a table of comma-separated values"),
        (HEADER, (), "names no image in any of its 0 rows"),
        ("a,b", ("1,2",), r"no FileName_ or URL_ column .* \(it has a, b\); export"),
        ("FileName_DNA,Metadata_Site", ("a,1",), r"no Metadata_Well, .* \(it has FileName_DNA, "),
        (HEADER, (",,,,BR01,A01,1",), "names no image in any of its 1 rows"),
        (HEADER, (ROWS[0], ROWS[0]), "plate BR01 well A01 site 1 more than once"),
        (HEADER, (ROWS[0].replace(",1", ",one"),), "has site 'one'; sites are whole numbers"),
        (HEADER, (ROWS[0].replace("A01", "Z99"), ROWS[1]), "Z99.*lies outside the largest plate"),
        (HEADER, (ROWS[0].replace("A01", "?"),), "'?' is not a well name"),
        (HEADER, (f"{ROWS[0]},more,fields",), "not a table of comma-separated values"),
        (HEADER, (ROWS[0], f'"{ROWS[1]}'), "not a table|no image|not a well"),
        ("FileName_DNA,Metadata_Row,Metadata_Col", ("a,0,1",), "row '0' and column '1'"),
        ("FileName_DNA,FileName_DAPI,Metadata_Well", ("a,b,A1",), "are both DNA"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_in_one_sentence(tmp_path, header, rows, match):
    refused(write(tmp_path / "load_data.csv", *rows, header=header), match)


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(ScreenFormatError, match=r"holds no load_data\.csv"):
        read_plain(tmp_path)


def test_channels_are_renamed_by_their_label_and_typos_are_told(table):
    assert read_plain(table, channels={"OrigER": "Mito"}).channel_names == ["DNA", "Mito"]
    with pytest.raises(ScreenValueError, match=r"names 'ch9', .* Available: \['DNA', 'ER'\]"):
        read_plain(table, channels={"ch9": "DNA"})


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_our_errors(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "load_data.csv"
    path.write_bytes(content)
    with pytest.raises(ScreenFormatError):
        read_plain(path)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*"ABP", "AF"]), st.integers(1, 24), st.integers(0, 10**6))
def test_wells_and_sites_come_back_as_written(tmp_path_factory, row, column, site):
    path = tmp_path_factory.mktemp("wells") / "load_data.csv"
    write(path, f"a.tif,.,b.tif,.,P,{row}{column},{site}")
    (only,) = read_plain(path).sites.itertuples()
    assert (only.well, only.site) == (f"{row}{column:02d}", site)


def test_a_384_well_plate_with_8_channels_is_listed_fast(tmp_path):
    names = [f"FileName_Orig{n},PathName_Orig{n}" for n in range(8)]
    rows = [
        ",".join([*(f"{well}_{site}_{n}.tiff,{OLD}" for n in range(8)), "P", well, str(site)])
        for well in (f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25))
        for site in range(1, 10)
    ]
    header = ",".join([*names, "Metadata_Plate,Metadata_Well,Metadata_Site"])
    path = write(tmp_path / "load_data.csv", *rows, header=header)
    start = time.perf_counter()
    screen = read_plain(path)
    assert time.perf_counter() - start < 5
    assert (screen.n_sites, len(screen.missing_files())) == (3456, 27648)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "0"])
def test_rows_and_columns_no_plate_has_are_refused(tmp_path, number):
    header = HEADER.replace("Metadata_Well", "Metadata_Row,Metadata_Col")
    rows = [f"a.tiff,{OLD},b.tiff,{OLD},BR01,{number},3,1"]
    table = write(tmp_path / "load_data.csv", *rows, header=header)
    with pytest.raises(ScreenFormatError, match="which are no well; rows are letters"):
        read_plain(table)
