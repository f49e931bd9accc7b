import numpy as np
import pandas as pd
import pytest
import tifffile
import torch

from napari_tide.inference.embedder import Embedder
from napari_tide.screens.assemble import assemble_screen
from napari_tide.students.bundle import load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

STAINS = ("DNA", "ER", "Mito")


@pytest.fixture(scope="session", autouse=True)
def _one_torch_thread():
    """Threads of a tiny network wait for each other for most of the time on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_screen(tmp_path):
    """A plate of small 16-bit TIFFs; broken sites have a truncated ER plane."""

    def make(wells=("A01", "A02", "B01"), n_sites=2, size_px=64, broken=(), name="images"):
        rng = np.random.default_rng(2)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        rows = []
        for well in wells:
            for site in range(1, n_sites + 1):
                for stain in STAINS:
                    file = f"{well}_{site}_{stain}.tif"
                    plane = rng.integers(100, 4000, (size_px, size_px)).astype(np.uint16)
                    tifffile.imwrite(folder / file, plane)
                    if (well, site) in broken and stain == "ER":
                        content = (folder / file).read_bytes()
                        (folder / file).write_bytes(content[:300])
                    rows.append(("P1", well, site, stain, file))
        planes = pd.DataFrame(rows, columns=["plate", "well", "site", "label", "address"])
        screen = assemble_screen(planes, root=folder, format="test", source=str(folder))
        sites = screen.sites.copy()
        sites["compound"] = np.where(sites["well"] == "A01", "DMSO", "taxol")
        sites["control"] = np.where(sites["well"] == "A01", "negcon", "")
        return screen.with_sites(sites)

    return make


@pytest.fixture
def make_bundle(tmp_path):
    """A small untrained student on disk; tiles of 32 px, so four a field."""

    def make(seed=0, kind="vit", name="student", channels=STAINS):
        torch.manual_seed(seed)
        encoder = EncoderConfig(
            kind=kind, channels=channels, width=24, depth=1, heads=2, image_px=32
        )
        codebook = CodebookConfig(n_drugs=4, n_features=16, hidden=8)
        features = (torch.rand(4, 16) < 0.4).to(torch.uint8)
        student = Student(StudentConfig(encoder=encoder, codebook=codebook), features).eval()
        config = BundleConfig(
            name=name,
            student=student.config,
            drugs=tuple(Drug(name=f"drug{i}") for i in range(4)),
            intensity={stain: ChannelIntensity(low=100, high=4000) for stain in channels},
            tile_px=32,
        )
        folder = tmp_path / f"{name}-{seed}-{kind}"
        save_bundle(student, config, folder)
        return load_bundle(folder)

    return make


@pytest.fixture
def embedder_of():
    """An embedder whose batches are small, so that a screen has several chunks."""
    return lambda bundle: Embedder(bundle.student, "cpu", "fp32", batch_tiles=4)
