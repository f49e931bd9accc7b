import cv2
import numpy as np
import pytest

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.illumination import IlluminationFunction
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.imaging.tiles import TileCutter, cut_tiles

RANGES = [IntensityRange(400, 9000), IntensityRange(0, 60000)]


def make_field(shape=(300, 340), kind=np.uint16):
    random = np.random.default_rng(0)
    return random.integers(0, np.iinfo(kind).max, (2, *shape)).astype(kind)


def vignette(shape=(300, 340)):
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return IlluminationFunction("a vignette", 1.3 - 0.3 * (x**2 + y**2))


def plain_tiles(field, grid, ranges, functions):
    """Each tile on its own, in double precision, resized by OpenCV."""
    tiles = np.zeros((grid.n_tiles, len(field), grid.output_px, grid.output_px))
    for channel, plane in enumerate(field):
        divisor = 1.0 if functions[channel] is None else functions[channel].evaluate(plane.shape)
        low, high = ranges[channel].low, ranges[channel].high
        unit = np.clip((plane.astype(float) / divisor - low) / (high - low), 0, 1)
        canvas = np.zeros([n + grid.tile_px for n in plane.shape])
        canvas[: plane.shape[0], : plane.shape[1]] = unit
        for tile in range(grid.n_tiles):
            box = grid.tile_box(*grid.position(tile))
            pixels = canvas[box.top : box.top + grid.tile_px, box.left : box.left + grid.tile_px]
            size = (grid.output_px, grid.output_px)
            tiles[tile, channel] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return tiles


@pytest.mark.parametrize("edge", ["shift", "drop", "pad"])
@pytest.mark.parametrize("tile_px", [64, 90, 224], ids=lambda px: f"{px} px")
@pytest.mark.parametrize("lit", [True, False], ids=["illumination", "none"])
def test_tiles_are_what_the_plain_computation_gives(edge, tile_px, lit):
    field, functions = make_field(), [vignette() if lit else None, None]
    grid = TileGrid((300, 340), tile_px, stride_px=tile_px * 3 // 4, edge=edge, output_px=64)
    tiles = cut_tiles(field, grid, ranges=RANGES, illumination=functions)
    assert tiles.dtype == np.float32
    np.testing.assert_allclose(tiles, plain_tiles(field, grid, RANGES, functions), atol=3e-6)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float32, np.float64])
def test_fields_of_every_type_are_cut(kind):
    field = make_field(kind=np.uint8).astype(kind)
    ranges = [IntensityRange(20, 200), IntensityRange(0, 255)]
    grid = TileGrid((300, 340), 100, output_px=40)
    expected = plain_tiles(field, grid, ranges, [None, None])
    np.testing.assert_allclose(cut_tiles(field, grid, ranges=ranges), expected, atol=3e-6)


def test_byte_tiles_are_the_rounded_tiles():
    field, grid = make_field(), TileGrid((300, 340), 100, output_px=48)
    tiles = cut_tiles(field, grid, ranges=RANGES, illumination=[vignette()] * 2, tile_type="uint8")
    expected = 255 * plain_tiles(field, grid, RANGES, [vignette()] * 2)
    assert tiles.dtype == np.uint8
    assert np.abs(tiles - expected).max() < 0.5 + 1e-3


def test_a_constant_channel_becomes_black():
    field = np.full((1, 40, 40), 900, np.uint16)
    tiles = cut_tiles(field, TileGrid((40, 40), 20, output_px=8), ranges=[IntensityRange(900, 900)])
    assert (tiles == 0).all()


def test_small_ranges_far_from_zero_keep_their_precision():
    field = np.random.default_rng(0).integers(60000, 60100, (1, 64, 64)).astype(np.uint16)
    grid, ranges = TileGrid((64, 64), 32, output_px=20), [IntensityRange(60000, 60100)]
    expected = plain_tiles(field, grid, ranges, [None])
    np.testing.assert_allclose(cut_tiles(field, grid, ranges=ranges), expected, atol=2e-4)


def test_tiles_do_not_share_memory_between_fields():
    grid = TileGrid((300, 340), 100, output_px=48)
    first = cut_tiles(make_field(), grid, ranges=RANGES)
    kept = first.copy()
    cut_tiles(make_field()[::-1], grid, ranges=RANGES)
    np.testing.assert_array_equal(first, kept)


def test_fields_that_do_not_match_are_refused():
    grid = TileGrid((300, 340), 100)
    with pytest.raises(ImagingValueError, match="does not have the 1 channels"):
        cut_tiles(make_field(), grid, ranges=RANGES[:1])
    with pytest.raises(ImagingValueError, match=r"expected \(channel, height, width\)"):
        cut_tiles(make_field()[0], grid, ranges=RANGES)
    with pytest.raises(ImagingValueError, match=r"a plane of \(200, 340\) cannot be cut"):
        cut_tiles(make_field((200, 340)), grid, ranges=RANGES)
    with pytest.raises(ImagingValueError, match="1 illumination functions for 2 channels"):
        TileCutter.for_grid(grid, RANGES, illumination=[None])
