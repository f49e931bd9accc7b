import pytest

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.screens.readers.rxrx import cell_line_of, claims
from napari_tide.screens.well import Well

SIX = ["DNA", "ER", "Actin", "RNA", "Mito", "Golgi"]


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("never opened")
    return folder


def six(stem, ending="png", channel="_w"):
    return [f"{stem}{channel}{number}.{ending}" for number in range(1, 7)]


@pytest.fixture
def rxrx1(tmp_path):
    images = tmp_path / "rxrx1" / "images"
    touch(images / "HEPG2-08" / "Plate1", *six("B02_s1"), *six("B02_s2"))
    touch(images / "HEPG2-08" / "Plate2", *six("O23_s1"))
    touch(images / "U2OS-03" / "Plate1", *six("C10_s1"))
    return tmp_path / "rxrx1"


def test_the_whole_set_reads_as_experiments_plates_and_sites(rxrx1):
    screen = read_screen(rxrx1, ReadOptions())
    assert screen.format == "rxrx"
    assert screen.channel_names == SIX
    assert screen.plate_names == ["HEPG2-08_1", "HEPG2-08_2", "U2OS-03_1"]
    columns = ["plate", "well", "site", "batch", "cell_line"]
    assert screen.sites[columns].to_numpy().tolist() == [
        ["HEPG2-08_1", "B02", 1, "HEPG2-08", "HEPG2"],
        ["HEPG2-08_1", "B02", 2, "HEPG2-08", "HEPG2"],
        ["HEPG2-08_2", "O23", 1, "HEPG2-08", "HEPG2"],
        ["U2OS-03_1", "C10", 1, "U2OS-03", "U2OS"],
    ]
    planes = screen.site("HEPG2-08_1", Well.parse("B02"), 2).planes
    assert planes["Mito"].path == rxrx1 / "images/HEPG2-08/Plate1/B02_s2_w5.png"
    assert screen.missing_files() == []
    assert screen.warnings == ()


@pytest.mark.parametrize(
    ("opened", "n_sites"),
    [("images", 4), ("images/HEPG2-08", 3), ("images/HEPG2-08/Plate2", 1)],
)
def test_an_experiment_or_a_plate_opens_alone_under_the_same_names(rxrx1, opened, n_sites):
    screen = read_screen(rxrx1 / opened, ReadOptions())
    assert screen.n_sites == n_sites
    assert {"HEPG2-08_2"} <= {*screen.plate_names}
    assert screen.missing_files() == []


def test_flat_names_are_one_site_a_well(tmp_path):
    touch(tmp_path, *six("HEPG2-08_1_B02"), *six("HEPG2-08_1_B03"), "notes.txt")
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.sites["well"].tolist() == ["B02", "B03"]
    assert screen.site_numbers("HEPG2-08_1", Well.parse("B02")) == [1]
    assert screen.plate("HEPG2-08_1").format == PlateFormat(16, 24)


def test_rxrx3_core_reads_with_its_cell_line_and_pixel_size(tmp_path):
    touch(tmp_path / "compound-004" / "Plate43", *six("AF48_s1", "jp2", "_"))
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.channel_names == SIX
    assert screen.sites["cell_line"].tolist() == ["HUVEC"]
    assert screen.pixel_size_um == 0.65
    assert screen.plate("compound-004_43").format == PlateFormat(32, 48)


def test_the_fifth_of_five_channels_is_not_guessed(tmp_path):
    touch(tmp_path / "HRCE-1" / "Plate1", *six("AA02_s2")[:5])
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.channel_names == ["DNA", "ER", "Actin", "RNA", "w5"]
    assert any("--channels w5=Golgi" in warning for warning in screen.warnings)
    named = read_screen(tmp_path, ReadOptions(channels={"W5": "wga"}))
    assert named.channel_names == ["DNA", "ER", "Actin", "RNA", "Golgi"]
    assert named.warnings == ()


def test_an_experiment_not_named_as_in_rxrx_is_read_with_a_warning(tmp_path):
    touch(tmp_path / "mine" / "Plate1", *six("B02_s1"))
    screen = read_screen(tmp_path, ReadOptions())
    assert screen.sites["cell_line"].tolist() == [""]
    assert "'mine' is not named as in RxRx" in screen.warnings[0]


@pytest.mark.parametrize(
    ("experiment", "line"),
    [("HEPG2-08", "HEPG2"), ("RPE-01", "RPE"), ("gene-079", "HUVEC"), ("run-2", ""), ("plate", "")],
)
def test_only_an_experiment_that_names_a_cell_line_gives_one(experiment, line):
    assert cell_line_of(experiment) == line


@pytest.mark.parametrize(
    "name", ["B02_s1_w7.png", "B02_s1_w1.tif", "xB02_s1_w1.png", "B2_s1_w1.png"]
)
def test_other_names_are_not_claimed(tmp_path, name):
    touch(tmp_path / "HEPG2-08" / "Plate1", name)
    assert not claims(tmp_path)


def test_an_image_in_two_formats_is_refused(tmp_path):
    touch(tmp_path / "HEPG2-08" / "Plate1", "B02_s1_w1.png", "B02_s1_w1.jp2")
    with pytest.raises(ScreenFormatError, match="two images for plate HEPG2-08_1 well B02"):
        read_screen(tmp_path, ReadOptions())


def test_a_well_no_plate_has_is_refused_by_folder(tmp_path):
    touch(tmp_path / "HEPG2-08" / "Plate1", "ZZ99_s1_w1.png")
    with pytest.raises(ScreenFormatError, match=rf"{tmp_path}: well ZZ99 lies outside"):
        read_screen(tmp_path, ReadOptions())
