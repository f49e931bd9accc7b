import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_tide.errors import ImagingValueError
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.imaging.tile_grid import TileGrid
from napari_tide.inference.cells import embed_cells
from napari_tide.inference.dense_map import patch_similarity_map, tile_probability_map
from napari_tide.inference.nuclei import otsu, segment_nuclei

RANGES = [IntensityRange(0, 1000)] * 3


def test_a_tile_map_shows_each_tiles_probability_where_it_lies(make_bundle, embedder_of):
    bundle = make_bundle()
    tiles = np.random.default_rng(0).random((6, 3, 32, 32)).astype(np.float32)
    embeddings = embedder_of(bundle).embed(tiles)
    painted = tile_probability_map(bundle.student, embeddings, TileGrid((64, 96), 32), drug=2)
    with torch.inference_mode():
        expected = bundle.student.probabilities(torch.from_numpy(embeddings))[:, 2].numpy()
    for tile in range(6):
        row, column = divmod(tile, 3)
        block = painted[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
        np.testing.assert_allclose(block, expected[tile], rtol=1e-5)


def test_a_dense_map_is_the_cosine_of_every_patch_token(make_bundle, embedder_of):
    bundle = make_bundle()
    tiles = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    embeddings, patches = embedder_of(bundle).embed_with_patches(tiles)
    assert patches.shape == (2, 2, 2, 24)
    np.testing.assert_allclose(patches.mean(axis=(1, 2)), embeddings, atol=1e-5)
    prototype = bundle.student.codebook()[1].detach()
    grid = TileGrid((32, 64), 32)
    painted = patch_similarity_map(bundle.student, patches, grid, prototype_D=prototype)
    with torch.inference_mode():
        token = bundle.student.head(torch.from_numpy(patches[1, 0, 1]))
        expected = float(token @ prototype / token.norm())
    np.testing.assert_allclose(painted[0:16, 48:64], expected, rtol=1e-4)


def field_of_nuclei(n_side=5, spacing=50, radius=9.0, noise=15.0):
    """Discs on a lattice, some pairs touching, with vignetting and noise."""
    rng = np.random.default_rng(4)
    size = spacing * n_side
    y, x = np.mgrid[:size, :size]
    plane = 100 + 40 * x / size
    centres = []
    for row in range(n_side):
        for column in range(n_side):
            centres.append((row * spacing + 25, column * spacing + 20))
            if (row + column) % 3 == 0:
                centres.append((row * spacing + 25, column * spacing + 20 + 1.75 * radius))
    for cy, cx in centres:
        plane = plane + 900 * ((y - cy) ** 2 + (x - cx) ** 2 < radius**2)
    blurred = ndimage.gaussian_filter(plane, 1.0)
    return (blurred + rng.normal(0, noise, blurred.shape)).clip(0).astype(np.uint16), centres


def test_nuclei_are_found_counted_and_parted():
    plane, centres = field_of_nuclei()
    labels = segment_nuclei(plane, pixel_size_um=0.6)
    assert labels.max() == len(centres)
    found = np.array(ndimage.center_of_mass(labels > 0, labels, range(1, labels.max() + 1)))
    distance = np.linalg.norm(found[:, None] - np.array(centres)[None], axis=2)
    assert (distance.min(axis=0) < 4).all()


@pytest.mark.parametrize("plane", [np.zeros((80, 80)), np.full((80, 80), 300)])
def test_an_empty_field_has_no_nuclei(plane):
    assert segment_nuclei(plane.astype(np.uint16)).max() == 0


def test_noise_alone_has_no_nuclei():
    noise = np.random.default_rng(0).normal(300, 20, (200, 200)).astype(np.uint16)
    assert segment_nuclei(noise, pixel_size_um=0.6).max() == 0


def test_the_threshold_parts_two_classes_where_the_slow_formula_does():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(10, 2, 500), rng.normal(40, 5, 200)])
    edges = np.histogram_bin_edges(values, bins=256)
    best = max(
        edges[1:-1],
        key=lambda t: (
            (values <= t).mean()
            * (values > t).mean()
            * (values[values > t].mean() - values[values <= t].mean()) ** 2
        ),
    )
    assert otsu(values) == pytest.approx(best, abs=2 * (edges[1] - edges[0]))


def test_a_cells_embedding_is_that_of_its_crop(make_bundle, embedder_of):
    bundle = make_bundle()
    field = np.random.default_rng(3).integers(0, 1000, (3, 100, 120)).astype(np.uint16)
    labels = np.zeros((100, 120), int)
    labels[50:53, 60:63] = 7
    labels[0:3, 0:3] = 9
    cells = embed_cells(
        field, labels, embedder_of(bundle), ranges=RANGES, channels=bundle.config.channels,
        crop_px=32,
    )  # fmt: skip
    assert cells.labels.tolist() == [7, 9]
    np.testing.assert_allclose(cells.centres_yx, [[51, 61], [1, 1]])
    crop = field[:, 36:68, 46:78].astype(np.float32) / 1000  # 51 - 15.5 rounds to 36
    corner = np.zeros((3, 32, 32), np.float32)
    corner[:, 14:, 14:] = field[:, :18, :18].astype(np.float32) / 1000
    with torch.inference_mode():
        both = torch.from_numpy(np.stack([crop, corner]))
        expected = bundle.student(both).pooled_BD.numpy()
    np.testing.assert_allclose(cells.embeddings_ND, expected, atol=1e-5)


def test_labels_that_do_not_fit_and_fields_without_cells(make_bundle, embedder_of):
    bundle = make_bundle()
    field = np.zeros((3, 40, 40), np.uint16)
    settings = {"ranges": RANGES, "channels": bundle.config.channels, "crop_px": 32}
    with pytest.raises(ImagingValueError, match="do not fit a field"):
        embed_cells(field, np.zeros((4, 4), int), embedder_of(bundle), **settings)
    none = embed_cells(field, np.zeros((40, 40), int), embedder_of(bundle), **settings)
    assert none.embeddings_ND.shape == (0, 24)
