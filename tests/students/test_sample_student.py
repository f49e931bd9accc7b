"""The student that ships beside the bundled plate."""

from __future__ import annotations

import numpy as np
import tifffile
import torch

from napari_tide.screens.open_screen import open_screen
from napari_tide.students.bundle import load_bundle
from napari_tide.students.student import Student


def test_a_signature_can_be_asked_about(repository):
    assert (repository / "sample_data" / "student" / "rna_teacher" / "config.json").is_file()


def test_it_loads_fits_the_bundled_plate_and_says_where_it_comes_from(repository):
    sample = repository / "sample_data"
    bundle = load_bundle(sample / "student")
    screen = open_screen(sample / "screen.parquet")
    assert set(bundle.config.channels) <= set(screen.channel_names)
    told = bundle.config.provenance
    assert told["recipe"] == "sample_student"
    assert told["data"] != "sample_data/screen.parquet"  # another world than the plate's
    assert bundle.config.metrics["knn_top1"] > 10 * bundle.config.metrics["chance_top1"]
    assert bundle.config.calibration.n_images > 1000


def tiles_of(sample, bundle, n):
    """Give the corners of some of the plate's fields as the student takes them."""
    sites = open_screen(sample / "screen.parquet").sites.iloc[:: 96 // n]
    side, tiles = bundle.config.tile_px, []
    for row in range(len(sites)):
        planes = []
        for name in bundle.config.channels:
            plane = tifffile.imread(sample / sites[f"path_{name}"].iloc[row])[:side, :side]
            limits = bundle.config.intensity[name]
            planes.append(((plane - limits.low) / (limits.high - limits.low)).clip(0, 1))
        tiles.append(planes)
    return torch.from_numpy(np.array(tiles, np.float32))


def test_it_was_trained(repository):
    """Its answers differ between wells, which those of random weights hardly do."""
    sample = repository / "sample_data"
    bundle = load_bundle(sample / "student")
    torch.manual_seed(0)
    untrained = Student(bundle.config.student, bundle.student.codebook.features_KF).eval()
    tiles = tiles_of(sample, bundle, 12)
    spreads = []
    for student in (bundle.student, untrained):
        with torch.inference_mode():
            logits = student.logits(student(tiles).pooled_BD)
        spreads.append(float(np.std(logits.numpy(), axis=0).mean()))
    assert spreads[0] > 5 * spreads[1], spreads


def test_the_sample_stays_small(repository):
    sample = repository / "sample_data"
    sizes = {path: path.stat().st_size for path in sample.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 25e6
    assert sum(size for path, size in sizes.items() if "student" in path.parts) < 6.8e6
