import time
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_tide.errors import PathEscapeError, ScreenFormatError, ScreenValueError
from napari_tide.plane_address import PlaneAddress
from napari_tide.screens.readers.phenix import claims, read
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import find_reader
from napari_tide.screens.well import Well

NAMES = ("HOECHST 33342", "Alexa 488")
FLAT = "{Background: {Character: NonFlat, Profile: {Coefficients: [[1.2]], Type: Polynomial}}}"
IDENTITY = "{Background: {Character: Null, Profile: {Type: Identity}, Quality: 1}}"


@dataclass(frozen=True)
class Image:
    """One image of an index that the tests write."""

    row: int = 1
    col: int = 1
    field: int = 1
    plane: int = 1
    time: int = 0
    channel: int = 1
    state: str = "Ok"
    folder: str = ""

    @property
    def url(self):
        return (
            f"{self.folder}r{self.row:02d}c{self.col:02d}f{self.field:02d}p{self.plane:02d}"
            f"-ch{self.channel}sk{self.time + 1}fk1fl1.tiff"
        )


def image_xml(image, names=None):
    name = f"<ChannelName>{names[image.channel - 1]}</ChannelName>" if names else ""
    size = '<ImageResolutionX Unit="m">5.98E-07</ImageResolutionX>' if names else ""
    return (
        f"<Image Version='1'><id>x</id><State>{image.state}</State><URL>{image.url}</URL>"
        f"<Row>{image.row}</Row><Col>{image.col}</Col><FieldID>{image.field}</FieldID>"
        f"<PlaneID>{image.plane}</PlaneID><TimepointID>{image.time}</TimepointID>"
        f"<ChannelID>{image.channel}</ChannelID>{name}{size}"
        f"<PositionX Unit='m'>{image.field / 1000}</PositionX><PositionY Unit='m'>0</PositionY>"
        "</Image>"
    )


def index_xml(images, *, names=NAMES, harmony=5, plate="BR01", grid=(16, 24), profiles=None):
    profiles = profiles or [FLAT, IDENTITY, *[FLAT] * 8]
    flat = "".join(
        f"<Entry ChannelID='{n}'><FlatfieldProfile>{profiles[n - 1]}</FlatfieldProfile></Entry>"
        for n in range(1, len(names) + 1)
    )
    told = "".join(
        f"<Entry ChannelID='{n}'><ChannelName>{name}</ChannelName>"
        "<ImageResolutionX Unit='m'>2.97E-07</ImageResolutionX></Entry>"
        for n, name in enumerate(names, start=1)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<EvaluationInputData Version="1" xmlns="http://www.perkinelmer.com/Harmony/V{harmony}">'
        f"<User>Name</User><Plates><Plate><PlateID>{plate}</PlateID><Name>{plate}</Name>"
        f"<PlateRows>{grid[0]}</PlateRows><PlateColumns>{grid[1]}</PlateColumns>"
        "<Well id='0101' /></Plate></Plates><Wells><Well><id>0101</id><Row>1</Row><Col>1</Col>"
        "<Image id='0101K1F1P1R1' /></Well></Wells>"
        f"<Maps><Map>{flat}</Map>{f'<Map>{told}</Map>' if harmony == 7 else ''}</Maps><Images>"
        + "\n".join(image_xml(image, names if harmony == 5 else None) for image in images)
        + "</Images></EvaluationInputData>"
    )


def write(folder, images, *, name="Index.idx.xml", marker=b"", touch=True, **kwargs):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(marker + index_xml(images, **kwargs).encode())
    for image in images if touch else ():
        (folder / image.url).parent.mkdir(parents=True, exist_ok=True)
        (folder / image.url).touch()
    return folder / name


def read_plain(path, **options):
    return read(path, ReadOptions(**options))


TWO_WELLS = [Image(row=2, col=3, field=f, channel=c) for f in (1, 2) for c in (1, 2)] + [
    Image(row=16, col=24, channel=c) for c in (1, 2)
]


@pytest.mark.parametrize(("harmony", "pixel"), [(5, 0.598), (7, 0.297)])
def test_both_schemas_give_wells_fields_stains_and_pixel_size(tmp_path, harmony, pixel):
    path = write(tmp_path, TWO_WELLS, harmony=harmony, marker=b"\xef\xbb\xbf")
    screen = read_plain(path)
    assert screen.channel_names == ["DNA", "ER"]
    assert screen.pixel_size_um == pytest.approx(pixel)
    assert screen.plate("BR01").format.n_wells == 384
    assert list(zip(screen.sites["well"], screen.sites["site"], strict=True)) == [
        ("B03", 1), ("B03", 2), ("P24", 1),
    ]  # fmt: skip
    assert screen.sites["x_um"].tolist() == pytest.approx([1000, 2000, 1000])
    assert screen.sites["y_um"].tolist() == [0, 0, 0]
    assert screen.missing_files() == []


def test_prefixed_tags_are_read_like_plain_ones(tmp_path):
    path = write(tmp_path, TWO_WELLS)
    text = path.read_text().replace("</", "</h:").replace("<", "<h:")
    text = text.replace("<h:?", "<?").replace("<h:/h:", "</h:").replace("xmlns=", "xmlns:h=")
    path.write_text(text)
    assert read_plain(path).n_sites == 3


def test_flat_field_is_referred_to_where_it_is_a_polynomial(tmp_path):
    site = read_plain(write(tmp_path, TWO_WELLS)).site("BR01", Well(1, 2), 1)
    assert site.illumination == {
        "DNA": PlaneAddress(tmp_path / "Index.idx.xml", (("channel", 1),)),
    }


@pytest.mark.parametrize("opened", ["Index.idx.xml", "..", ""])
def test_the_index_its_folder_or_the_folder_above_images_can_be_opened(tmp_path, opened):
    write(tmp_path / "Images", TWO_WELLS)
    source = (tmp_path / "Images" / opened).resolve()
    assert find_reader(source).name == "phenix"
    assert read_plain(source).missing_files() == []


def test_a_folder_of_measurements_is_a_screen_of_plates(tmp_path):
    write(tmp_path / "P1__2024-Measurement 1" / "Images", TWO_WELLS, plate="P1")
    write(
        tmp_path / "P2__2024-Measurement 1" / "Images", TWO_WELLS, plate="P2", profiles=[FLAT, FLAT]
    )
    assert claims(tmp_path)
    screen = read_plain(tmp_path)
    assert screen.plate_names == ["P1", "P2"]
    assert screen.missing_files() == []
    second = screen.site("P2", Well(1, 2), 1).illumination["ER"]
    assert second.path == tmp_path / "P2__2024-Measurement 1" / "Images" / "Index.idx.xml"
    assert list(screen.site("P1", Well(1, 2), 1).illumination) == ["DNA"]


def test_the_same_plate_measured_twice_is_refused(tmp_path):
    write(tmp_path / "P1__Measurement 1", TWO_WELLS)
    write(tmp_path / "P1__Measurement 2", TWO_WELLS)
    with pytest.raises(ScreenFormatError, match="plate BR01 well B03 site 1 more than once"):
        read_plain(tmp_path)


def test_images_moved_away_are_found_with_the_folder_the_user_gives(tmp_path):
    path = write(tmp_path / "index", TWO_WELLS, touch=False)
    assert len(read_plain(path).missing_files()) == 6
    write(tmp_path / "moved", TWO_WELLS, name="other.xml")
    screen = read_plain(path, images=tmp_path / "moved")
    assert screen.missing_files() == []
    flat = screen.site("BR01", Well(1, 2), 1).illumination["DNA"]
    assert flat.path == tmp_path / "index" / "Index.idx.xml"


def test_several_z_planes_need_a_choice(tmp_path):
    images = [Image(plane=p, channel=1) for p in range(1, 6)] + [Image(plane=1, channel=2)]
    path = write(tmp_path, images)
    with pytest.raises(
        ScreenValueError, match=r"5 z planes \(1, 2, 3, 4, 5\); choose one with --pl"
    ):
        read_plain(path)
    with pytest.raises(
        ScreenValueError, match=r"no z plane 9 \(it has 1, 2, 3, 4, 5\); choose another --plane"
    ):
        read_plain(path, plane=9)
    site = read_plain(path, plane=3).site("BR01", Well(0, 0), 1)
    assert site.planes["DNA"].path.name == "r01c01f01p03-ch1sk1fk1fl1.tiff"
    assert site.planes["ER"].path.name == "r01c01f01p01-ch2sk1fk1fl1.tiff"


def test_several_time_points_need_a_choice(tmp_path):
    path = write(tmp_path, [Image(time=t, channel=c) for t in (0, 1) for c in (1, 2)])
    with pytest.raises(ScreenValueError, match=r"2 time points \(0, 1\); choose one with --time 1"):
        read_plain(path)
    site = read_plain(path, time=0).site("BR01", Well(0, 0), 1)
    assert site.planes["ER"].path.name == "r01c01f01p01-ch2sk1fk1fl1.tiff"


def test_images_the_microscope_complained_of_are_told(tmp_path):
    path = write(tmp_path, [Image(), Image(channel=2, state="Overexposed")])
    (warning,) = read_plain(path).warnings
    assert warning.startswith("the microscope marked 1 images as Overexposed (the first is r01c01")


def test_channels_are_renamed_by_name_or_number(tmp_path):
    path = write(tmp_path, TWO_WELLS, names=("Custom A", "Custom B"))
    screen = read_plain(path, channels={"ch1": "DNA", "custom b": "Mito"})
    assert screen.channel_names == ["DNA", "Mito"]
    assert screen.site("BR01", Well(1, 2), 1).illumination.keys() == {"DNA"}


def test_channels_of_one_name_are_told_apart_by_number(tmp_path):
    path = write(tmp_path, TWO_WELLS, names=("Brightfield", "Brightfield"))
    assert read_plain(path).channel_names == ["Brightfield ch1", "Brightfield ch2"]


@pytest.mark.parametrize("n_rows", [1, "9" * 5000], ids=["one", "thousands of digits"])
def test_a_grid_of_no_known_plate_is_inferred_from_the_wells(tmp_path, n_rows):
    path = write(tmp_path, [Image()], grid=(n_rows, 4))
    assert read_plain(path).plate("BR01").format.n_wells == 96


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("<Row>1</Row><Col>1</Col><FieldID>", "<Row>A</Row><Col>1</Col><FieldID>", "the Row 'A'"),
        ("<Row>1</Row><Col>1</Col><FieldID>", "<Row>0</Row><Col>1</Col><FieldID>", "the Row '0'"),
        ("<Row>1</Row><Col>1</Col><FieldID>", "<Col>1</Col><FieldID>", "the Row ''"),
        ("<FieldID>1<", "<FieldID>1e300<", "the FieldID '1e300'"),
        ("<Row>1</Row><Col>1</Col><FieldID>", "<Row>17</Row><Col>1</Col><FieldID>", "well Q01"),
        ("</Images>", "", "is not whole XML"),
        ("<Images>", "<Images>&bomb;", "is not whole XML"),
        ("EvaluationInputData", "html", "root 'html' and not an Opera Phenix index"),
        ("</Plate>", "</Plate><Plate></Plate>", "lists 2 plates"),
        ("-ch2", "-ch1", None),
        ("<ChannelID>2<", "<ChannelID>1<", "names two images for plate BR01 well A01 site 1"),
    ],
)  # fmt: skip
def test_a_broken_index_is_refused_in_one_sentence(tmp_path, old, new, match):
    path = write(tmp_path, [Image(), Image(channel=2)])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    if match is None:
        assert read_plain(path).n_sites == 1
        return
    with pytest.raises(ScreenFormatError, match=match) as caught:
        read_plain(path)
    assert "\n" not in str(caught.value)


def test_an_entity_bomb_is_refused(tmp_path):
    bomb = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 30))
    path = tmp_path / "Index.idx.xml"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY b0 "ha">{bomb}]>'
        "<EvaluationInputData><User>&b29;</User></EvaluationInputData>"
    )
    with pytest.raises(ScreenFormatError, match="declares a document type"):
        read_plain(path)


def test_an_index_without_images_and_a_folder_without_index_are_refused(tmp_path):
    with pytest.raises(ScreenFormatError, match=r"lists no image"):
        read_plain(write(tmp_path / "a", []))
    (tmp_path / "b").mkdir()
    with pytest.raises(ScreenFormatError, match=r"holds no Index\.idx\.xml"):
        read_plain(tmp_path / "b")


def test_a_truncated_index_is_claimed_and_refused(tmp_path):
    path = write(tmp_path, TWO_WELLS)
    whole = path.read_bytes()
    for n_bytes in (0, 20, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:n_bytes])
        assert claims(path)
        assert claims(tmp_path)
        with pytest.raises(ScreenFormatError, match="is not whole XML"):
            read_plain(path)


def test_other_xml_is_not_claimed(tmp_path):
    (tmp_path / "Index.xml").write_text("<html></html>")
    assert not claims(tmp_path)
    (tmp_path / "plate.xml").write_text(index_xml([Image()]))
    assert claims(tmp_path / "plate.xml")


@pytest.mark.parametrize("folder", ["../secret/", "/etc/../secret/"])
def test_images_cannot_lie_outside(tmp_path, folder):
    image = Image(folder=folder if folder.startswith(".") else f"{tmp_path}/secret/")
    path = write(tmp_path / "x", [image], touch=False)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / image.url.rpartition("/")[2]).touch()
    with pytest.raises(PathEscapeError, match="secret, which lies outside"):
        read_plain(path)
    assert read_plain(path, allow_outside=True).missing_files() == []


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_our_errors(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "Index.xml"
    path.write_bytes(b"<EvaluationInputData>" + content)
    with pytest.raises(ScreenFormatError):
        read_plain(path)


def test_a_384_well_plate_of_9_fields_and_6_channels_is_listed_fast(tmp_path):
    images = [
        Image(row=row, col=col, field=field, channel=channel)
        for row in range(1, 17)
        for col in range(1, 25)
        for field in range(1, 10)
        for channel in range(1, 7)
    ]
    names = ("Alexa 647", "Alexa 568", "488 long", "Alexa 488", "HOECHST 33342", "Brightfield")
    path = write(tmp_path, images, names=names, touch=False)
    start = time.perf_counter()
    screen = read_plain(path)
    assert time.perf_counter() - start < 10
    assert (screen.n_sites, len(screen.channels)) == (3456, 6)
    assert len(screen.missing_files()) == 20736
