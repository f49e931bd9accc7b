import threading

import numpy as np
import pytest
import tifffile

from napari_tide.errors import (
    IlluminationFormatError,
    ImagingValueError,
    PlaneFormatError,
    PlaneMissingError,
)
from napari_tide.imaging import prepared_field
from napari_tide.imaging.field import read_field
from napari_tide.imaging.illumination import IlluminationFunction
from napari_tide.imaging.intensity import IntensityRange, IntensityRanges, field_ranges
from napari_tide.imaging.intensity_estimate import estimate_ranges
from napari_tide.imaging.prepared_field import (
    FailedField,
    FieldFiles,
    FieldPreparation,
    PreparedField,
    iterate_fields,
    prepare_field,
)
from napari_tide.imaging.quality import judge_field
from napari_tide.imaging.tiles import cut_tiles
from napari_tide.plane_address import PlaneAddress

CHANNELS = ("DNA", "ER", "AGP")
SHAPE = (120, 150)
RANGES = IntensityRanges({name: IntensityRange(50 * i, 3000) for i, name in enumerate(CHANNELS)})


@pytest.fixture
def fields(tmp_path):
    random = np.random.default_rng(0)
    found = []
    for site in range(6):
        planes = {}
        for name in CHANNELS:
            path = tmp_path / f"s{site}_{name}.tif"
            pixels = random.gamma(2, 500, SHAPE).astype(np.uint16)
            tifffile.imwrite(path, pixels, compression="lzw")
            planes[name] = PlaneAddress(path)
        found.append(FieldFiles(f"site {site}", planes))
    return found


def preparation(**changes):
    options = {"channels": CHANNELS, "ranges": RANGES, "tile_px": 60, "output_px": 32}
    return FieldPreparation(**(options | changes))


def slope(strength=0.5):
    return 1 + strength * np.linspace(0, 1, SHAPE[1])[None].repeat(SHAPE[0], 0)


def test_a_field_is_its_tiles_its_grid_and_its_quality(fields):
    lit = {"ER": IlluminationFunction("slope", slope())}
    found = prepare_field(fields[0], preparation(illumination=lit))
    planes = read_field(fields[0].planes, channels=CHANNELS)
    expected = cut_tiles(
        planes, found.grid, ranges=RANGES.of(CHANNELS), illumination=[None, lit["ER"], None]
    )
    np.testing.assert_array_equal(found.tiles, expected)
    assert found.tiles.shape == (2 * 3, 3, 32, 32)
    assert found.grid.lefts == (0, 60, 90)
    assert found.quality == judge_field(dict(zip(CHANNELS, planes, strict=True)))


def test_a_field_s_own_illumination_goes_first(fields, tmp_path):
    np.save(tmp_path / "own.npy", slope(2))
    own = FieldFiles("own", fields[0].planes, {"ER": PlaneAddress(tmp_path / "own.npy")})
    given = {"ER": IlluminationFunction("slope", slope())}
    found = prepare_field(own, preparation(illumination=given))
    same = {"ER": IlluminationFunction("own", slope(2))}
    expected = prepare_field(fields[0], preparation(illumination=same))
    np.testing.assert_array_equal(found.tiles, expected.tiles)


def test_channels_follow_the_order_of_the_preparation(fields):
    straight = prepare_field(fields[0], preparation())
    turned = prepare_field(fields[0], preparation(channels=CHANNELS[::-1]))
    np.testing.assert_array_equal(turned.tiles, straight.tiles[:, ::-1])


def test_fields_come_in_order_and_alike_however_far_ahead_they_are_read(fields):
    expected = [prepare_field(files, preparation()) for files in fields]
    for read_ahead in (0, 1, 9):
        found = list(iterate_fields(fields, preparation(), read_ahead=read_ahead))
        assert [field.name for field in found] == [f"site {i}" for i in range(6)]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.tiles, other.tiles)


def test_bad_fields_are_named_and_the_rest_goes_on(fields, tmp_path):
    cut = fields[1].planes["ER"].path
    cut.write_bytes(cut.read_bytes()[:-300])
    fields[2].planes["AGP"].path.unlink()
    tifffile.imwrite(fields[3].planes["ER"].path, np.zeros((120, 151), np.uint16))
    fields[4] = FieldFiles("site 4", {"DNA": fields[4].planes["DNA"]})
    found = list(iterate_fields(fields, preparation()))
    assert [type(field) for field in found] == [
        PreparedField, FailedField, FailedField, FailedField, FailedField, PreparedField
    ]  # fmt: skip
    errors = [field.error for field in found[1:5]]
    assert [type(error) for error in errors] == [
        PlaneFormatError, PlaneMissingError, PlaneFormatError, PlaneMissingError
    ]  # fmt: skip
    for error, part in zip(errors, ("s1_ER.tif", "s2_AGP.tif", "s3_ER.tif", "no ER"), strict=True):
        assert part in str(error)


def test_a_field_that_tiles_do_not_fit_is_refused(fields):
    with pytest.raises(ImagingValueError, match="tiles of 130 px do not fit"):
        prepare_field(fields[0], preparation(tile_px=130))
    with pytest.raises(ImagingValueError, match="no intensity range for AGP"):
        prepare_field(fields[0], preparation(ranges=IntensityRanges(
            {name: IntensityRange(0, 1) for name in CHANNELS[:2]})))  # fmt: skip


def test_an_illumination_function_that_does_not_fit_is_refused(fields):
    wrong = {"ER": IlluminationFunction("wrong.npy", np.ones((4, 4)))}
    with pytest.raises(IlluminationFormatError, match=r"wrong\.npy is an illumination function"):
        prepare_field(fields[0], preparation(illumination=wrong))


def test_fields_of_several_sizes_each_get_their_grid(fields):
    for name in CHANNELS:
        tifffile.imwrite(fields[1].planes[name].path, np.zeros((64, 64), np.uint16))
    found = list(iterate_fields(fields[:3], preparation()))
    assert [field.grid.field_shape for field in found] == [SHAPE, (64, 64), SHAPE]


def test_no_more_fields_are_begun_than_asked_for(fields, monkeypatch):
    begun = []
    original = prepared_field.read_plane

    def counting(address):
        begun.append(address.path.name.split("_")[0])
        return original(address)

    monkeypatch.setattr(prepared_field, "read_plane", counting)
    iterator = iterate_fields(iter(fields), preparation(), read_ahead=1)
    assert next(iterator).name == "site 0"
    iterator.close()
    assert set(begun) <= {"s0", "s1"}


def test_cancelling_stops_between_fields(fields):
    cancelled = threading.Event()
    seen = []
    for field in iterate_fields(fields, preparation(), is_cancelled=cancelled.is_set):
        seen.append(field.name)
        cancelled.set()
    assert seen == ["site 0"]
    assert prepare_field(fields[5], preparation()).name == "site 5"  # the threads are still fine


def test_byte_tiles_are_the_rounded_tiles(fields):
    found = prepare_field(fields[0], preparation(tile_type="uint8")).tiles
    numbers = prepare_field(fields[0], preparation()).tiles
    assert np.abs(found - 255.0 * numbers).max() < 0.501


def test_ranges_are_estimated_from_the_corrected_pixels_of_all_fields(fields, caplog):
    fields[2].planes["AGP"].path.write_bytes(b"")
    lit = {"ER": IlluminationFunction("slope", slope())}
    found = estimate_ranges(fields, channels=CHANNELS, illumination=lit)
    readable = [files for i, files in enumerate(fields) if i != 2]
    planes = np.stack([read_field(files.planes, channels=CHANNELS) for files in readable])
    plain = field_ranges(planes, CHANNELS)
    assert found.by_channel["DNA"] == plain.by_channel["DNA"]
    low, high = np.sort((planes[:, 1] / slope()).ravel())[[8, 89909]]  # of 90,000 pixels
    assert found.by_channel["ER"].low == pytest.approx(low, rel=3e-4)
    assert found.by_channel["ER"].high == pytest.approx(high, rel=3e-4)
    assert any("site 2" in message and "is empty" in message for message in caplog.messages)


def test_the_range_sample_is_spread_over_the_fields(fields):
    found = estimate_ranges(fields, channels=CHANNELS, max_fields=2)
    assert found == estimate_ranges([fields[0], fields[3]], channels=CHANNELS)


def test_ranges_need_a_readable_field(fields):
    with pytest.raises(ImagingValueError, match="none of 6 sampled fields can be read"):
        estimate_ranges(fields, channels=["Mito"])
