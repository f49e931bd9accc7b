import numpy as np
import pytest
from scipy import ndimage

from napari_tide.errors import ImagingValueError, PlaneFormatError, StudentValueError
from napari_tide.imaging.planes import read_plane
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.profile_screen import profile_screen
from napari_tide.inference.screen_engine import ScreenEngine
from napari_tide.inference.site_store import SiteEmbedding, SiteStore
from napari_tide.profiles.store import read_profiles


@pytest.fixture
def make_engine(make_bundle, monkeypatch):
    monkeypatch.setattr(
        "napari_tide.inference.embedder._faster_precision", lambda student, device: "fp32"
    )
    return lambda screen, **bundle: ScreenEngine.of(screen, make_bundle(**bundle), device="cpu")


def test_sites_and_fields_are_embedded_as_tide_profile_does(make_engine, make_screen, tmp_path):
    screen = make_screen(broken=[("A02", 1)])
    engine = make_engine(screen)
    out = tmp_path / "p.parquet"
    profile_screen(screen, engine.bundle, out, embedder=Embedder(engine.bundle.student))
    wanted = read_profiles(out)
    records = {record.chunk: record for record in engine.embed_sites([5, 2, 0])}
    assert list(records) == [5, 2, 0]
    for row in (0, 5):
        site = screen.site_at(row)
        here = (wanted.column("Metadata_Well") == site.well.name) & (
            wanted.column("Metadata_Site") == str(site.number)
        )
        expected = wanted.take(here.to_numpy()).features
        assert np.allclose(records[row].embeddings_ND, expected, atol=1e-6)
        field = engine.embed_field(row)
        assert np.allclose(field.embeddings_ND, expected, atol=1e-6)
        assert field.patches_NHWD.shape == (4, 2, 2, 24)
        assert np.allclose(field.patches_NHWD.mean(axis=(1, 2)), field.embeddings_ND, atol=1e-6)
    assert "A02_1_ER.tif" in records[2].facts["sites"][0]["error"]
    with pytest.raises(PlaneFormatError, match="A02_1_ER"):
        engine.embed_field(2)


def test_a_cancelled_field_gives_nothing(make_engine, make_screen):
    engine = make_engine(make_screen(wells=("A01",)))
    assert engine.embed_field(0, is_cancelled=lambda: True) is None
    assert list(engine.embed_sites([0, 1], is_cancelled=lambda: True)) == []


def test_given_labels_are_embedded_and_must_cover_the_field(make_engine, make_screen):
    screen = make_screen(wells=("A01",))
    engine = make_engine(screen)
    labels = np.zeros((64, 64), np.int32)
    labels[10:20, 12:22], labels[40:50, 30:44] = 3, 8
    found = engine.embed_cells(0, labels=labels)
    assert found.cells.labels.tolist() == [3, 8]
    assert np.allclose(found.cells.centres_yx, ndimage.center_of_mass(labels > 0, labels, [3, 8]))
    plane = read_plane(screen.site_at(0).planes["DNA"])
    assert found.labels.shape == plane.shape
    with pytest.raises(ImagingValueError, match="do not fit"):
        engine.embed_cells(0, labels=labels[:32])


def test_a_student_for_other_channels_is_refused(make_bundle, make_screen):
    with pytest.raises(StudentValueError, match="needs Golgi"):
        ScreenEngine.of(make_screen(wells=("A01",)), make_bundle(channels=("DNA", "Golgi")))


def test_the_store_gives_back_what_was_written(make_engine, make_screen, tmp_path):
    screen = make_screen(broken=[("A02", 1)])
    engine = make_engine(screen)
    store = SiteStore.of(tmp_path / "r", screen, plate="P1", student=engine.bundle.id)
    assert list(store.read()) == []
    with store:
        written = [store.append(record) for record in engine.embed_sites([1, 2])]
    found = list(SiteStore.of(tmp_path / "r", screen, plate="P1", student=engine.bundle.id).read())
    assert [site.row for site in found] == [1, 2]
    for before, after in zip(written, found, strict=True):
        assert np.array_equal(before.embeddings_ND, after.embeddings_ND)
        assert (before.grid, before.field_shape, before.flags, before.error) == (
            (after.grid, after.field_shape, after.flags, after.error)
        )
    assert found[0].grid == (2, 2)
    assert found[0].field_shape == (64, 64)
    assert isinstance(found[1], SiteEmbedding)
    assert "A02_1_ER" in found[1].error


def test_a_plate_with_other_files_has_a_store_of_its_own(make_screen, tmp_path):
    screen = make_screen()
    fewer = screen.with_sites(screen.sites.iloc[:-1])
    paths = [SiteStore.of(tmp_path, s, plate="P1", student="a/b").path for s in (screen, fewer)]
    assert paths[0] != paths[1]
    assert paths[0].parent == tmp_path / "a_b"
