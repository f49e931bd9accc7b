import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_tide.errors import ScreenValueError
from napari_tide.imaging.intensity import IntensityRange
from napari_tide.inference.cells import embed_cells
from napari_tide.inference.nuclei import segment_nuclei
from napari_tide.inference.profile_screen import profile_screen
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.store import read_profiles


def plane_with_nuclei(centres, size=200, radius=9, seed=0):
    y, x = np.mgrid[:size, :size]
    plane = np.full((size, size), 200.0)
    for cy, cx in centres:
        plane += 2500 * ((y - cy) ** 2 + (x - cx) ** 2 < radius**2)
    noise = np.random.default_rng(seed).normal(0, 15, plane.shape)
    return (ndimage.gaussian_filter(plane, 1) + noise).clip(0).astype(np.uint16)


@pytest.fixture
def screen_of_cells(make_screen):
    """Five nuclei in A01, two in A02, none in A03."""
    screen = make_screen(wells=("A01", "A02", "A03"), n_sites=1, size_px=200)
    nuclei = {"A01": [(40, 40), (40, 120), (100, 60), (150, 30), (160, 170)]}
    nuclei |= {"A02": [(60, 60), (120, 150)], "A03": []}
    for well, centres in nuclei.items():
        tifffile.imwrite(screen.root / f"{well}_1_DNA.tif", plane_with_nuclei(centres))
    return screen


def test_a_row_per_nucleus_with_its_place(tmp_path, screen_of_cells, make_bundle, embedder_of):
    bundle = make_bundle()
    run = profile_screen(
        screen_of_cells, bundle, tmp_path / "c.parquet", embedder=embedder_of(bundle), level="cell"
    )
    cells = read_profiles(tmp_path / "c.parquet")
    assert cells.level == "cell"
    assert cells.metadata["Metadata_Well"].tolist() == ["A01"] * 5 + ["A02"] * 2
    assert cells.metadata["Metadata_Cell_Label"].tolist() == [1, 2, 3, 4, 5, 1, 2]
    assert "Metadata_Tile_Row" not in cells.metadata
    assert [site.well for site in run.skipped] == ["A03"]
    assert "no nucleus was found" in run.skipped[0].reason
    places = cells.metadata[["Metadata_Cell_Y_px", "Metadata_Cell_X_px"]].to_numpy()
    found = sorted(map(tuple, np.rint(places[5:]).astype(int)))
    assert found == [(60, 60), (120, 150)]
    planes = np.stack(
        [
            tifffile.imread(screen_of_cells.root / f"A01_1_{stain}.tif")
            for stain in bundle.config.channels
        ]
    )
    expected = embed_cells(
        planes,
        segment_nuclei(planes[0]),
        embedder_of(bundle),
        ranges=[IntensityRange(100, 4000)] * 3,
        channels=bundle.config.channels,
        crop_px=100,  # 60 um at the 0.6 um taken where the pixel size is unknown
    )
    np.testing.assert_allclose(cells.features[:5], expected.embeddings_ND, atol=1e-6)
    wells = aggregate_to_level(cells, "well")
    np.testing.assert_allclose(wells.features[1], cells.features[5:].mean(0), atol=1e-6)


def test_cells_resume_and_are_not_mixed_with_tiles(
    tmp_path, screen_of_cells, make_bundle, embedder_of
):
    bundle, out, seen = make_bundle(), tmp_path / "c.parquet", []
    settings = {"embedder": embedder_of(bundle), "level": "cell"}
    first = profile_screen(
        screen_of_cells, bundle, out, **settings,
        progress=lambda done, total: seen.append(done), is_cancelled=lambda: len(seen) > 1,
    )  # fmt: skip
    assert (first.is_complete, first.n_done) == (False, 1)
    with pytest.raises(FileExistsError, match="another screen, student or setting"):
        profile_screen(screen_of_cells, bundle, out, embedder=embedder_of(bundle))
    second = profile_screen(screen_of_cells, bundle, out, **settings)
    assert (second.is_complete, second.n_resumed) == (True, 1)
    profile_screen(screen_of_cells, bundle, tmp_path / "whole.parquet", **settings)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_cells_need_a_dna_channel(tmp_path, make_screen, make_bundle, embedder_of):
    screen = make_screen().select(["ER", "Mito"])
    bundle = make_bundle(kind="channel_vit")
    with pytest.raises(ScreenValueError, match=r"has no DNA channel.*--channels ch5=DNA"):
        profile_screen(screen, bundle, tmp_path / "c", embedder=embedder_of(bundle), level="cell")
