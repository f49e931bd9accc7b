import cv2
import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_tide.imaging.field import read_field
from napari_tide.imaging.illumination import load_illumination
from napari_tide.imaging.intensity import field_ranges
from napari_tide.imaging.planes import plane_shape, read_plane
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation, prepare_field
from napari_tide.imaging.quality import judge_field, judge_plane, out_of_focus_on_plate
from napari_tide.plane_address import PlaneAddress

pytestmark = pytest.mark.real

PHENIX = ("Mito", "AGP", "RNA", "ER", "DNA", "Brightfield")
JUMP = ("DNA", "ER", "RNA", "AGP", "Mito")
MIXED = ("Brightfield", "ER", "AGP", "Mito", "DNA", "RNA")


def addresses_in(folder, channels, pattern):
    paths = sorted(folder.glob(pattern))
    return {name: PlaneAddress(path) for name, path in zip(channels, paths, strict=True)}


@pytest.fixture
def phenix(real):
    return addresses_in(real / "images" / "phenix_v1", PHENIX, "*.tiff")


@pytest.fixture
def dense(real):
    return addresses_in(real / "images" / "jump_dense_5ch", JUMP, "*.tiff")


@pytest.fixture
def mixed(real):
    return addresses_in(real / "images" / "br00143976_c03_s3" / "orig", MIXED, "*.tiff")


def test_every_real_plane_reads_as_tifffile_and_opencv_read_it(real):
    paths = sorted((real / "images").rglob("*.tif*"))
    paths = [path for path in paths if "outlines" not in path.parts]
    assert len(paths) == 22
    for path in paths:
        plane = read_plane(PlaneAddress(path))
        np.testing.assert_array_equal(plane, tifffile.imread(path))
        assert plane_shape(PlaneAddress(path)) == plane.shape
    for path in sorted((real / "images" / "rxrx1_hepg2_08_1_b02").glob("*.png")):
        plane = read_plane(PlaneAddress(path))
        np.testing.assert_array_equal(plane, cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        assert plane_shape(PlaneAddress(path)) == (512, 512)


def test_a_field_of_mixed_compression_reads_as_one_array(mixed):
    kinds = set()
    for address in mixed.values():
        with tifffile.TiffFile(address.path) as tiff:
            kinds.add(tiff.pages[0].compression.name)
    assert len(kinds) == 2
    field = read_field(mixed, channels=MIXED)
    assert (field.shape, field.dtype) == ((6, 1080, 1080), np.uint16)


@pytest.mark.parametrize("channel", range(1, 6))
def test_phenix_polynomials_average_one_and_fall_towards_the_corners(real, channel):
    index = real / "images" / "phenix_v1" / "Index.idx.xml"
    values = load_illumination(PlaneAddress.parse(f"{index}#channel={channel}")).evaluate(
        (1080, 1080)
    )
    assert values.mean() == pytest.approx(1, abs=1e-4)
    corners = values[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.max() < values[400:680, 400:680].min()


@pytest.mark.parametrize(("channel", "stain"), [(4, "ER"), (5, "DNA")])
def test_the_background_polynomial_flattens_the_background_one_way_up(
    real, phenix, tmp_path, channel, stain
):
    """The nearly empty field is mostly background, so it shows how the polynomial lies on it.

    Its other three stains have too much debris to tell the eight orientations apart.
    """
    text = (real / "images" / "phenix_v1" / "Index.idx.xml").read_text("utf-8-sig")
    index = tmp_path / "background_only.xml"
    index.write_text(text.replace("Foreground:", "Unused:"))
    illumination = load_illumination(PlaneAddress.parse(f"{index}#channel={channel}"))
    polynomial = illumination.evaluate((1080, 1080))

    def unevenness(plane):
        blocks = plane.reshape(20, 54, 20, 54).transpose(0, 2, 1, 3).reshape(400, -1)
        background = np.percentile(blocks, 20, axis=1)
        middle = np.median(background)
        return 1.4826 * np.median(np.abs(background - middle)) / middle

    plane = read_plane(phenix[stain]).astype(float)
    turned = [
        np.rot90(side, k) for side in (polynomial, polynomial.T) for k in range(4)
    ]  # fmt: skip
    left = [unevenness(plane / surface) for surface in turned]
    assert unevenness(plane) > 0.2
    assert left[0] < 0.032
    assert min(left[1:]) > 1.15 * left[0]


def test_the_second_index_schema_gives_polynomials_and_identities(real):
    index = real / "images" / "phenix_v7_index_only" / "Index.xml"
    spread = [
        np.ptp(load_illumination(PlaneAddress.parse(f"{index}#channel={c}")).evaluate((1080, 1080)))
        for c in range(1, 8)
    ]
    assert [value > 0.3 for value in spread] == [True, False, True, False, False, True, False]
    assert spread[1] == 0


def test_the_nearly_empty_field_is_flagged_with_its_saturation(phenix):
    quality = judge_field({name: read_plane(address) for name, address in phenix.items()})
    assert quality.names == ("empty", "saturated")
    assert quality.by_channel["DNA"].saturated_share == pytest.approx(54 / 1080**2)
    assert "DNA: nearly empty" in quality.sentence()


def test_the_dense_field_has_no_flags(dense):
    quality = judge_field({name: read_plane(address) for name, address in dense.items()})
    assert quality.names == ()
    assert quality.sentence() == "no quality flags"


def test_other_real_fields_are_only_flagged_where_pixels_are_saturated(real, mixed):
    quality = judge_field({name: read_plane(address) for name, address in mixed.items()})
    assert quality.names == ("saturated",)
    assert [n for n, q in quality.by_channel.items() if q.is_saturated] == ["Mito"]
    for path in (real / "images" / "rxrx1_hepg2_08_1_b02").glob("*.png"):
        assert judge_plane(read_plane(PlaneAddress(path))).words() == []


def test_blur_of_a_real_plane_lowers_its_focus_score_below_its_plate(dense, mixed):
    for addresses in (dense, mixed):
        plane = read_plane(addresses["ER"]).astype(np.float32)
        sharp = judge_plane(plane.astype(np.uint16)).focus_score
        scores = [
            judge_plane(ndimage.gaussian_filter(plane, blur).astype(np.uint16)).focus_score
            for blur in (1, 2, 3, 5)
        ]
        assert [sharp, *scores] == sorted([sharp, *scores], reverse=True)
        plate = np.array([sharp * factor for factor in (0.98, 0.99, 1, 1.01, 1.02)] + [scores[1]])
        assert out_of_focus_on_plate(plate).tolist() == [False] * 5 + [True]
        assert scores[3] < 0.30


def test_a_real_field_becomes_the_tiles_opencv_makes(real, phenix):
    channels = PHENIX[:5]
    index = real / "images" / "phenix_v1" / "Index.idx.xml"
    own = {n: PlaneAddress.parse(f"{index}#channel={c}") for c, n in enumerate(channels, 1)}
    planes = read_field(phenix, channels=channels).astype(np.float32)
    lit = [load_illumination(own[name]).evaluate((1080, 1080)) for name in channels]
    corrected = planes / np.stack(lit)
    ranges = field_ranges([corrected], channels)
    preparation = FieldPreparation(channels=channels, ranges=ranges, tile_px=270)
    found = prepare_field(FieldFiles("A01 f1", phenix, own), preparation)
    assert found.tiles.shape == (16, 5, 224, 224)
    assert found.quality.names == ("empty", "saturated")
    for channel, limits in enumerate(ranges.of(channels)):
        unit = np.clip((corrected[channel] - limits.low) / (limits.high - limits.low), 0, 1)
        whole = cv2.resize(unit, (896, 896), interpolation=cv2.INTER_AREA)
        expected = whole.reshape(4, 224, 4, 224).transpose(0, 2, 1, 3).reshape(16, 224, 224)
        np.testing.assert_allclose(found.tiles[:, channel], expected, atol=5e-6)
