"""A student with random weights, saved and loaded as a real one: as fast, and as large."""

from __future__ import annotations

from pathlib import Path

import torch

from napari_tide.students.bundle import Bundle, load_bundle, save_bundle
from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig
from tide_train.bench.plate_of_fields import STAINS

_N_DRUGS, _N_BITS = 16, 2048


def untrained_bundle(
    folder: Path, *, size: str = "small", image_px: int = 224, tile_px: int = 270
) -> Bundle:
    """Save a ViT of a named size with random weights, and load it."""
    torch.manual_seed(0)
    encoder = EncoderConfig.sized(size, channels=STAINS, image_px=image_px)
    codebook = CodebookConfig(n_drugs=_N_DRUGS, n_features=_N_BITS)
    features_KF = (torch.rand(_N_DRUGS, _N_BITS) < 0.02).to(torch.uint8)
    student = Student(StudentConfig(encoder=encoder, codebook=codebook), features_KF).eval()
    config = BundleConfig(
        name=f"untrained-{size}",
        student=student.config,
        drugs=tuple(Drug(name=f"drug {number}") for number in range(_N_DRUGS)),
        intensity=dict.fromkeys(STAINS, ChannelIntensity(low=100, high=6000)),
        tile_px=tile_px,
    )
    save_bundle(student, config, folder, overwrite=True)
    return load_bundle(folder)
