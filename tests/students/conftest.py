import pytest
import torch

from napari_tide.students.bundle_config import BundleConfig, ChannelIntensity, Drug
from napari_tide.students.codebook import CodebookConfig
from napari_tide.students.encoders.encoder_config import EncoderConfig
from napari_tide.students.student import Student, StudentConfig

N_DRUGS, N_FEATURES = 7, 32


@pytest.fixture
def make_student():
    """A small untrained student, the same for the same arguments."""

    def make(mode="learned", kind="vit", channels=("DNA", "ER", "Mito")):
        torch.manual_seed(3)
        encoder = EncoderConfig(
            kind=kind, channels=channels, width=24, depth=1, heads=2, image_px=32
        )
        codebook = CodebookConfig(mode=mode, n_drugs=N_DRUGS, n_features=N_FEATURES, hidden=16)
        features = (torch.rand(N_DRUGS, N_FEATURES) < 0.3).to(torch.uint8)
        return Student(StudentConfig(encoder=encoder, codebook=codebook), features).eval()

    return make


@pytest.fixture
def make_config():
    """A bundle configuration that fits a small student."""

    def make(student, **fields):
        return BundleConfig(
            name="test-student",
            student=student.config,
            drugs=tuple(Drug(name=f"drug{i}", smiles="C" * (i + 1)) for i in range(N_DRUGS)),
            intensity={"DNA": ChannelIntensity(low=100, high=4000)},
            pixel_size_um=0.6,
            metrics={"knn_top1": 0.4},
            provenance={"screen": "simulated", "seed": 7},
            **fields,
        )

    return make
