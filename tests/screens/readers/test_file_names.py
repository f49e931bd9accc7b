import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_tide.errors import ScreenFormatError, ScreenMissingError, ScreenValueError
from napari_tide.screens.channels import ALIASES
from napari_tide.screens.readers.file_names import claims, read
from napari_tide.screens.readers.name_pattern import (
    PHENIX_NAMES,
    WELL_SITE_CHANNEL_NAMES,
    NamePattern,
)
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import find_reader, read_screen
from napari_tide.screens.summary import summarise_screen
from napari_tide.screens.well import Well


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def opened(folder, **options):
    screen = read(folder, ReadOptions(**options))
    assert screen.missing_files() == []
    return screen


def phenix(row=3, column=5, field=1, z=1, channel=1, time=1):
    return f"r{row:02d}c{column:02d}f{field:02d}p{z:02d}-ch{channel}sk{time}fk1fl1.tiff"


def places(screen):
    return list(zip(screen.sites["plate"], screen.sites["well"], screen.sites["site"], strict=True))


def test_phenix_names_say_well_field_and_channel_number(tmp_path):
    folder = touch(
        tmp_path / "BR1", *(phenix(field=f, z=3, channel=c) for f in (1, 2) for c in (2, 10))
    )
    assert find_reader(folder).name == "file_names"
    screen = opened(folder)
    assert places(screen) == [("BR1", "C05", 1), ("BR1", "C05", 2)]
    assert screen.channel_names == ["ch2", "ch10"]
    warning = summarise_screen(screen).warnings[0]
    assert warning.startswith("the stain of ch2, ch10 is not known; name it with")
    assert "--channels ch2=NAME,ch10=NAME" in warning


def test_channel_numbers_are_named_by_the_user(tmp_path):
    touch(tmp_path, phenix(channel=1), phenix(channel=2))
    screen = opened(tmp_path, channels={"ch1": "Hoechst", "CH2": "ER"})
    assert screen.channel_names == ["DNA", "ER"]
    assert screen.warnings == ()


def test_several_z_planes_and_time_points_need_a_choice(tmp_path):
    touch(tmp_path, *(phenix(z=z, time=t) for z in (1, 2, 3) for t in (1, 2)))
    with pytest.raises(
        ScreenValueError, match=r"3 z planes \(1, 2, 3\); choose one with --plane 2"
    ):
        opened(tmp_path)
    with pytest.raises(ScreenValueError, match=r"2 time points \(1, 2\); choose one with --time"):
        opened(tmp_path, plane=2)
    with pytest.raises(
        ScreenValueError, match=r"no time point 7 \(it has 1, 2\); choose another --time"
    ):
        opened(tmp_path, plane=2, time=7)
    site = opened(tmp_path, plane=2, time=1).site(tmp_path.name, Well(2, 4), 1)
    assert site.planes["ch1"].path.name == phenix(z=2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("B03_s1_w1.tif", (None, "B03", 1, "w1")),
        ("B03_f02_DAPI.TIFF", (None, "B03", 2, "DAPI")),
        ("B03_DAPI.png", (None, "B03", 1, "DAPI")),
        ("AF48-site12-ER.jp2", (None, "AF48", 12, "ER")),
        ("BR01_x_P24_7_Brightfield_H.tif", ("BR01_x", "P24", 7, "Brightfield_H")),
        ("B03_s1_t2_z3_Alexa 488.tif", (None, "B03", 1, "Alexa 488")),
        ("B03_s1.tif", None),
        ("Nuclei_BR00143976_C03_3.tiff", None),
        ("image_s1_w1.tif", None),
        ("B03_s1_w1.txt", None),
        ("notes.tif", None),
    ],
)
def test_names_of_well_site_and_channel(name, said):
    parsed = WELL_SITE_CHANNEL_NAMES.parse(name)
    assert said == (parsed and tuple(parsed[key] for key in ("plate", "well", "site", "label")))


@given(
    row=st.integers(1, 32),
    column=st.integers(1, 48),
    field=st.integers(1, 99),
    z=st.integers(1, 99),
    channel=st.integers(1, 20),
)
def test_phenix_names_come_back_as_written(row, column, field, z, channel):
    said = PHENIX_NAMES.parse(phenix(row, column, field, z, channel))
    assert said == {
        "plate": None, "well": Well(row - 1, column - 1).name, "site": field, "z": z, "time": 1,
        "label": f"ch{channel}",
    }  # fmt: skip


@given(
    st.builds(Well, st.integers(0, 31), st.integers(0, 47)),
    st.integers(0, 9999),
    st.sampled_from(sorted(ALIASES)),
)
def test_well_site_channel_names_come_back_as_written(well, site, stain):
    said = WELL_SITE_CHANNEL_NAMES.parse(f"P-1_{well}_s{site}_{stain}.tif")
    assert said == {
        "plate": "P-1", "well": well.name, "site": site, "z": 1, "time": 0, "label": stain,
    }  # fmt: skip


def test_a_file_per_stain_is_one_site(tmp_path):
    folder = touch(tmp_path / "field7", "Hoechst.tif", "ERSyto.tif", "Ph_golgi.tif")
    screen = opened(folder)
    assert places(screen) == [("field7", "A01", 1)]
    assert set(screen.channel_names) == {"DNA", "ER", "AGP"}
    assert screen.warnings == ("the file names do not say the well; A01 stands for it",)


def test_any_other_pictures_are_not_claimed(tmp_path):
    assert not claims(touch(tmp_path / "a", "Hoechst.tif", "holiday.tif"))
    assert not claims(touch(tmp_path / "b", "Hoechst.txt"))
    assert not claims(tmp_path / "a" / "Hoechst.tif")
    with pytest.raises(ScreenFormatError, match="describe them with --pattern"):
        opened(tmp_path / "a")
    with pytest.raises(ScreenFormatError, match=r"is a file; .* give its folder"):
        opened(tmp_path / "a" / "Hoechst.tif")


def test_images_one_level_down_are_found_and_other_pictures_counted(tmp_path):
    touch(tmp_path, f"orig/{phenix()}", "outlines/Nuclei_BR1_C05_1.tiff", "overview.png")
    screen = opened(tmp_path)
    assert places(screen) == [(tmp_path.name, "C05", 1)]
    assert screen.warnings[0].startswith("2 of 3 images have other names and are left out, such as")


def test_a_folder_of_plates_has_the_folders_names(tmp_path):
    touch(tmp_path, f"P1/Images/{phenix()}", f"P2/{phenix()}")
    assert places(opened(tmp_path)) == [("P1", "C05", 1), ("P2", "C05", 1)]
    assert places(opened(tmp_path / "P1" / "Images")) == [("P1", "C05", 1)]


def test_folders_of_wells_or_stains_are_no_plates(tmp_path):
    wells = touch(tmp_path / "wells", "B02/DAPI.tif", "B02/ER.tif", "C03/DAPI.tif", "C03/ER.tif")
    assert places(opened(wells)) == [("wells", "B02", 1), ("wells", "C03", 1)]
    named = touch(tmp_path / "named", "B02/B2_DAPI.tif", "C03/C3_DAPI.tif")
    assert places(opened(named)) == [("named", "B02", 1), ("named", "C03", 1)]
    stains = touch(tmp_path / "stains", "DAPI/B02_DAPI.tif", "ER/B02_ER.tif")
    assert places(opened(stains)) == [("stains", "B02", 1)]


def test_what_macos_leaves_beside_files_is_ignored(tmp_path):
    touch(tmp_path, phenix(), f"._{phenix()}", f".hidden/{phenix(field=2)}")
    assert opened(tmp_path).n_sites == 1
    assert (
        opened(tmp_path, pattern=r"r(?P<row>\d+)c(?P<column>\d+).*-(?P<channel>ch\d)").n_sites == 1
    )


def test_a_users_pattern_runs_over_the_path_from_the_folder(tmp_path):
    touch(tmp_path, "week 1/P7/row3_col05/fld-2_dapi.tif", "week 1/P7/row3_col05/thumb.tif")
    pattern = (
        r"(?P<plate>[^/]+)/row(?P<row>\d+)_col(?P<column>\d+)/fld-(?P<field>\d+)_(?P<channel>\w+)"
    )
    screen = read_screen(tmp_path, ReadOptions(pattern=pattern))
    assert (screen.format, screen.channel_names) == ("file_names", ["DNA"])
    assert places(screen) == [("P7", "C05", 2)]
    assert screen.missing_files() == []
    assert screen.warnings[0].startswith("1 of 2 images have other names")


def test_a_users_pattern_wins_over_formats_that_claim_the_folder(tmp_path):
    touch(tmp_path, phenix())
    (tmp_path / "load_data.csv").write_text("FileName_DNA,Metadata_Well\nx.tif,A01\n")
    assert find_reader(tmp_path).name == "load_data"
    pattern = r"r(?P<row>\d+)c(?P<column>\d+)f(?P<site>\d+)p(?P<plane>\d+)-(?P<channel>ch\d+)sk"
    assert read_screen(tmp_path, ReadOptions(pattern=pattern)).format == "file_names"


def test_rows_may_be_letters_or_numbers():
    pattern = NamePattern.of_user(r"(?P<row>\w+)-(?P<column>\d+)-(?P<channel>\w+)")
    assert pattern.parse("c-5-x")["well"] == pattern.parse("3-05-x")["well"] == "C05"


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("(?P<well>", "is no regular expression .* for example"),
        ("*", "is no regular expression"),
        (r"(?P<well>\w+)_(?P<chanel>\w+)", "has a group 'chanel'; use plate, well, row"),
        (r"(?P<well>\w+)", "needs channel, and well or row and column"),
        (r"(?P<row>\w)_(?P<channel>\w+)", "needs channel, and well or row and column"),
        ("", "needs channel"),
    ],
)
def test_a_useless_pattern_is_refused_in_one_sentence(tmp_path, pattern, match):
    touch(tmp_path, "B03_x.tif")
    with pytest.raises(ScreenValueError, match=match) as caught:
        opened(tmp_path, pattern=pattern)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        (r"(?P<well>[A-P]\d\d\d)_(?P<channel>\w+)", r"fits none of the 1 files .* 'B03_s_x.tif'"),
        (r"(?P<well>[A-Z]\d\d_s)_(?P<channel>\w+)", "'B03_s' is not a well name"),
        (r"(?P<row>\d)(?P<column>\d)_(?P<channel>\w+)", "file 'B03_s_x.tif': '03' is not a well"),
        (r"(?P<well>B03)_(?P<site>s)_(?P<channel>\w+)", "has site 's'; expected a whole number"),
        (r"(?P<well>B03)_(?P<channel>y?)", "finds no channel in 'B03_s_x.tif'"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused_in_one_sentence(tmp_path, pattern, match):
    touch(tmp_path, "B03_s_x.tif")
    with pytest.raises(ScreenFormatError, match=match) as caught:
        opened(tmp_path, pattern=pattern)
    assert "\n" not in str(caught.value)


def test_two_files_for_one_plane_are_refused(tmp_path):
    touch(tmp_path, "B03_s1_DAPI.tif", "B03_s1_DAPI.png")
    with pytest.raises(ScreenFormatError, match=r"two images for plate .* well B03 site 1"):
        opened(tmp_path)


def test_an_empty_folder_is_refused_with_and_without_a_pattern(tmp_path):
    with pytest.raises(ScreenFormatError, match="holds no images"):
        opened(tmp_path)
    with pytest.raises(ScreenFormatError, match="fits none of the 0 files"):
        opened(tmp_path, pattern=r"(?P<well>\w+)_(?P<channel>\w+)")


def test_an_images_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ScreenMissingError, match="nowhere is no folder; give with --images"):
        read_screen(tmp_path, ReadOptions(images=tmp_path / "nowhere"))


def test_a_plate_of_many_images_is_claimed_and_listed_fast(tmp_path):
    names = [
        phenix(row, column, field, 1, channel)
        for row in range(1, 9)
        for column in range(1, 13)
        for field in range(1, 5)
        for channel in range(1, 7)
    ]
    touch(tmp_path, *names)
    start = time.perf_counter()
    assert claims(tmp_path)
    claimed = time.perf_counter()
    assert opened(tmp_path).n_sites == 384
    assert claimed - start < 0.5
    assert time.perf_counter() - claimed < 5
