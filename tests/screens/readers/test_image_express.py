import uuid

import numpy as np
import pytest
import tifffile

from napari_tide.errors import ScreenFormatError, ScreenValueError
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.image_express import claims
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.well import Well

HTD = """"HTSInfoFile", Version 1.0
"Description", "Cell Painting"
"PlateType", 6
"TimePoints", 1
"ZSeries", FALSE
"XWells", 12
"YWells", 8
"WellsSelection1", FALSE, FALSE, FALSE
"WellsSelection2", FALSE, TRUE, TRUE
"Sites", TRUE
"XSites", 2
"YSites", 1
"Waves", TRUE
"NWavelengths", 2
"WaveName1", "DAPI"
"WaveName2", "MitoTracker Deep Red"
"EndFile"
"""


def guid(seed):
    return str(uuid.UUID(int=seed * 7919**9 % 2**128)).upper()


def touch(folder, *stems, ending=".tif"):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, stem in enumerate(stems, start=1):
        (folder / f"{stem}{guid(seed)}{ending}").write_text("never opened")
    return folder


def stems(plate, wells=("B02", "B03"), sites=(1, 2), waves=(1, 2), thumb=""):
    return [f"{plate}_{w}_s{s}_w{c}{thumb}" for w in wells for s in sites for c in waves]


def write_htd(folder, plate, text=HTD, encoding="utf-8"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{plate}.HTD").write_bytes(text.encode(encoding))
    return folder / f"{plate}.HTD"


@pytest.fixture
def plate(tmp_path):
    touch(tmp_path / "P7" / "TimePoint_1", *stems("P7"), *stems("P7", thumb="_thumb"))
    write_htd(tmp_path / "P7", "P7")
    return tmp_path / "P7"


@pytest.mark.parametrize("opened", ["", "P7.HTD"])
def test_a_plate_opens_by_its_folder_or_its_description(plate, opened):
    screen = read_screen(plate / opened, ReadOptions())
    assert screen.format == "image_express"
    assert screen.channel_names == ["DNA", "Mito"]
    assert [channel.label for channel in screen.channels] == ["DAPI", "MitoTracker Deep Red"]
    assert list(zip(screen.sites["well"], screen.sites["site"], strict=True)) == [
        ("B02", 1), ("B02", 2), ("B03", 1), ("B03", 2),
    ]  # fmt: skip
    assert screen.plate("P7").format == PlateFormat(8, 12)
    path = screen.site("P7", Well.parse("B03"), 2).planes["Mito"].path
    assert path.parent == plate / "TimePoint_1"
    assert path.name.startswith("P7_B03_s2_w2")
    assert "thumb" not in path.name
    assert screen.missing_files() == []
    assert screen.warnings == ()


def test_a_wave_number_is_told_from_the_digits_of_the_guid_behind_it(tmp_path):
    name = "IXMtest_B15_s8_w49DE56250-C587-48D8-8840-5A322A3F0177.tif"
    (tmp_path / name).write_text("never opened")
    screen = read_screen(tmp_path, ReadOptions(channels={"w4": "AGP"}))
    assert screen.channel_names == ["AGP"]
    assert screen.site_numbers("IXMtest", Well.parse("B15")) == [8]


def test_names_with_guids_need_no_description(tmp_path):
    touch(tmp_path, *stems("P7"), ending=".TIF")
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.n_sites == 4
    assert screen.channel_names == ["w1", "w2"]
    assert "--channels w1=DNA" in screen.warnings[0]


def test_a_single_wavelength_and_a_single_site_have_no_numbers(tmp_path):
    write_htd(tmp_path, "P7", '"HTSInfoFile", Version 1.0\n"WaveName1", "Hoechst"\n')
    (tmp_path / "P7_B02.TIF").write_text("never opened")
    (tmp_path / "P7_B03.tiff").write_text("never opened")
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.channel_names == ["DNA"]
    assert screen.sites["site"].tolist() == [1, 1]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig", "utf-16"])
def test_descriptions_are_read_in_every_encoding_in_use(tmp_path, encoding):
    touch(tmp_path, *stems("P7"))
    write_htd(tmp_path, "P7", HTD.replace('"DAPI"', '"DAPI 1 µm"'), encoding)
    assert read_screen(tmp_path, ReadOptions()).channels[0].label == "DAPI 1 µm"


def test_a_folder_of_plates_is_one_screen(tmp_path):
    for name in ("P7", "P8"):
        touch(tmp_path / name / "TimePoint_1", *stems(name))
        write_htd(tmp_path / name, name)
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.plate_names == ["P7", "P8"]
    assert screen.n_sites == 8
    assert screen.missing_files() == []


def test_several_time_points_are_chosen_from(tmp_path):
    for time in (1, 2, 3):
        touch(tmp_path / f"TimePoint_{time}", *stems("P7"))
    with pytest.raises(
        ScreenValueError, match=r"3 time points \(1, 2, 3\); choose one with --time"
    ):
        read_screen(tmp_path, ReadOptions())
    screen = read_screen(tmp_path, ReadOptions(time=2))
    assert screen.n_sites == 4
    assert screen.sites["path_w1"].str.startswith("TimePoint_2/").all()
    with pytest.raises(ScreenValueError, match=r"no time point 9 .* choose another --time"):
        read_screen(tmp_path, ReadOptions(time=9))


def test_several_z_steps_are_chosen_from_and_the_projection_is_plane_0(tmp_path):
    for step in (1, 2):
        touch(tmp_path / "TimePoint_1" / f"ZStep_{step}", *stems("P7"))
    touch(tmp_path / "TimePoint_1", *stems("P7"))
    with pytest.raises(ScreenValueError, match=r"3 z planes \(0, 1, 2\); choose one with --plane"):
        read_screen(tmp_path, ReadOptions())
    screen = read_screen(tmp_path, ReadOptions(plane=2))
    assert screen.sites["path_w2"].str.startswith("TimePoint_1/ZStep_2/").all()
    projection = read_screen(tmp_path, ReadOptions(plane=0))
    assert projection.sites["path_w1"].str.match("TimePoint_1/P7_").all()


def test_a_channel_imaged_in_one_plane_only_goes_with_every_choice(tmp_path):
    for step in (1, 2):
        touch(tmp_path / "TimePoint_1" / f"ZStep_{step}", *stems("P7", waves=(1,)))
    touch(tmp_path / "TimePoint_1" / "ZStep_1", *stems("P7", waves=(2,)))
    screen = read_screen(tmp_path, ReadOptions(plane=2))
    assert screen.sites["path_w1"].str.startswith("TimePoint_1/ZStep_2/").all()
    assert screen.sites["path_w2"].str.startswith("TimePoint_1/ZStep_1/").all()


def test_wells_the_description_lists_but_nobody_imaged_are_named(tmp_path):
    touch(tmp_path, *stems("P7", wells=["B02"]))
    write_htd(tmp_path, "P7")
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.warnings == ("P7.HTD lists 2 wells, but there is no image of 1 of them: B03",)


def test_two_wavelengths_of_one_name_keep_their_numbers(tmp_path):
    touch(tmp_path, *stems("P7"))
    write_htd(tmp_path, "P7", HTD.replace("MitoTracker Deep Red", "dapi"))
    assert read_screen(tmp_path, ReadOptions()).channel_names == ["w1", "w2"]


def test_images_can_lie_in_another_folder_than_the_description(tmp_path):
    htd = write_htd(tmp_path / "meta", "P7")
    touch(tmp_path / "moved" / "TimePoint_1", *stems("P7"))
    with pytest.raises(ScreenFormatError, match=r"P7.HTD has no image named like .* --images"):
        read_screen(htd, ReadOptions())
    screen = read_screen(htd, ReadOptions(images=tmp_path / "moved"))
    assert (screen.n_sites, screen.missing_files()) == (4, [])


def test_the_pixel_size_comes_from_the_first_images_description(tmp_path):
    description = (
        '<MetaData><prop id="spatial-calibration-x" type="float" value="0.3375"/>'
        '<prop id="spatial-calibration-units" type="string" value="um"/></MetaData>'
    )
    name = f"P7_B02_s1_w1{guid(3)}.tif"
    plane = np.zeros((300, 300), np.uint16)
    tifffile.imwrite(tmp_path / name, plane, description=description)
    assert read_screen(tmp_path, ReadOptions()).pixel_size_um == 0.3375


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is not a MetaXpress plate description"),
        ("some notes", "is not a MetaXpress plate description"),
        (HTD.replace('"XWells", 12', '"XWells", many'), "XWells 'many', where a number of wells"),
    ],
)
def test_a_damaged_description_is_refused_by_name(tmp_path, text, match):
    touch(tmp_path, *stems("P7"))
    htd = write_htd(tmp_path, "P7", text)
    with pytest.raises(ScreenFormatError, match=f"{htd} .*{match}"):
        read_screen(tmp_path, ReadOptions())


def test_plain_tiff_names_are_left_to_other_readers(tmp_path):
    (tmp_path / "P7_B02_s1_w1.tif").write_text("never opened")
    assert not claims(tmp_path)
