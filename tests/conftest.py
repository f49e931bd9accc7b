"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.readers.screen_table import save_screen
from napari_tide.screens.well import Well

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout's root."""
    return ROOT


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real files, beside the checkout; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The folder of the authors' own outputs; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "oracles"
    if not folder.is_dir():
        pytest.skip("no oracles beside the checkout")
    return folder


CHANNELS = ("DNA", "ER", "Mito")
COMPOUNDS = {"B": ("DMSO", "negcon"), "C": ("nocodazole", ""), "D": ("etoposide", "poscon")}


def plane_code(plate: str, well: str, site: int, channel: str) -> int:
    """The value in the first pixel of a test plane: says which plane it is."""
    place = Well.parse(well)
    return (
        1000 * int(plate[1:])
        + 40 * place.row
        + 2 * place.column
        + site
        + 5000 * CHANNELS.index(channel)
    )


@pytest.fixture(scope="session")
def code_of():
    """Gives the value in the first pixel of a test plane."""
    return plane_code


@pytest.fixture(scope="session")
def _plate_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plates")
    wells = [f"{row}{column:02d}" for row in "BCD" for column in range(2, 6)]
    wells.remove("C04")
    places = [("P1", well) for well in [*wells, "H12"]] + [("P2", "B02"), ("P2", "C03")]
    gradient = np.linspace(100, 900, 64 * 64).reshape(64, 64).astype(np.uint16)
    planes, sites = [], []
    for plate, well in places:
        for site in (1,) if well == "D05" else (1, 2):
            compound, control = COMPOUNDS.get(well[0], ("", ""))
            dose = np.nan if control == "negcon" or not compound else 0.1 * 4.0 ** int(well[1:])
            sites.append((plate, well, site, compound, dose, control))
            for channel in CHANNELS:
                address = f"{plate}/{well}_s{site}_{channel}.tif"
                plane = gradient.copy()
                plane[0, 0] = plane_code(plate, well, site, channel)
                (folder / plate).mkdir(exist_ok=True)
                tifffile.imwrite(folder / address, plane)
                planes.append((plate, well, site, channel, address))
    screen = assemble_screen(
        pd.DataFrame(planes, columns=["plate", "well", "site", "label", "address"]),
        root=folder,
        format="test",
        source="test",
        extra=pd.DataFrame(
            sites, columns=["plate", "well", "site", "compound", "dose_um", "control"]
        ),
        pixel_size_um=0.6,
    )
    save_screen(screen, folder / "screen.parquet")
    return folder


@pytest.fixture
def plate_folder(_plate_folder, tmp_path) -> Path:
    """A screen a test may break: plates P1 (12 wells) and P2 (2), up to 2 sites, 3 channels."""
    return Path(shutil.copytree(_plate_folder, tmp_path / "plates"))


@pytest.fixture
def make_bundle(tmp_path, monkeypatch):
    """A small untrained student on disk; tiles of 32 px, so four a field of the test screen."""
    import torch

    from napari_tide.students.bundle import load_bundle, save_bundle
    from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
    from napari_tide.students.codebook import CodebookConfig
    from napari_tide.students.encoders.encoder_config import EncoderConfig
    from napari_tide.students.student import Student, StudentConfig

    monkeypatch.setattr(
        "napari_tide.inference.embedder._faster_precision", lambda student, device: "fp32"
    )

    def make(name="student", channels=("DNA", "ER", "Mito"), seed=0):
        torch.manual_seed(seed)
        encoder = EncoderConfig(channels=channels, width=24, depth=1, heads=2, image_px=32)
        codebook = CodebookConfig(n_drugs=4, n_features=16, hidden=8)
        features = (torch.rand(4, 16) < 0.4).to(torch.uint8)
        student = Student(StudentConfig(encoder=encoder, codebook=codebook), features).eval()
        config = BundleConfig(
            name=name,
            student=student.config,
            drugs=tuple(Drug(name=f"drug{i}") for i in range(4)),
            intensity={stain: ChannelIntensity(low=100, high=900) for stain in channels},
            tile_px=32,
        )
        save_bundle(student, config, tmp_path / "students" / name)
        return load_bundle(tmp_path / "students" / name)

    return make
