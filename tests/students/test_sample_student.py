"""The student that ships beside the bundled plate."""

from __future__ import annotations

import numpy as np
import torch

from napari_tide.screens.open_screen import open_screen
from napari_tide.students.bundle import load_bundle
from napari_tide.students.student import Student


def test_it_loads_fits_the_bundled_plate_and_says_where_it_comes_from(repository):
    sample = repository / "sample_data"
    bundle = load_bundle(sample / "student")
    screen = open_screen(sample / "screen.parquet")
    assert set(bundle.config.channels) <= set(screen.channel_names)
    told = bundle.config.provenance
    assert told["recipe"] == "sample_student"
    assert told["data"] != "sample_data/screen.parquet"  # another world than the plate's
    assert bundle.config.metrics["knn_top1"] > 3 * bundle.config.metrics["chance_top1"]
    assert bundle.config.calibration.n_images > 1000


def test_it_was_trained(repository):
    """Its answers differ between tiles, which those of random weights hardly do."""
    bundle = load_bundle(repository / "sample_data" / "student")
    torch.manual_seed(0)
    untrained = Student(bundle.config.student, bundle.student.codebook.features_KF).eval()
    noise = (
        torch.rand(64, len(bundle.config.channels), 64, 64)
        * torch.linspace(0, 1, 64)[:, None, None, None]
    )
    spreads = []
    for student in (bundle.student, untrained):
        with torch.inference_mode():
            logits = student.logits(student(noise).pooled_BD)
        spreads.append(float(np.std(logits.numpy(), axis=0).mean()))
    assert spreads[0] > 3 * spreads[1], spreads


def test_the_sample_stays_small(repository):
    sample = repository / "sample_data"
    sizes = {path: path.stat().st_size for path in sample.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 25e6
    assert sum(size for path, size in sizes.items() if "student" in path.parts) < 6.8e6
