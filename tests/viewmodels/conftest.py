import numpy as np
import pytest

from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.viewmodels.session import Session


@pytest.fixture
def screen(plate_folder):
    return read_screen(plate_folder, ReadOptions())


@pytest.fixture
def session(screen):
    session = Session()
    session.open(screen)
    return session


@pytest.fixture
def heard(session):
    """Everything the session announces, as (name, value)."""
    events = []
    for name in ("screen", "place", "selection", "hover", "problem"):
        session.events[name].connect(lambda *value, name=name: events.append((name, *value)))
    return events


DRUGS = {
    "nocodazole": "COC(=O)Nc1nc2ccc(cc2[nH]1)C(=O)c1cccs1",
    "etoposide": "COc1cc(cc(OC)c1O)C1c2cc3OCOc3cc2CC2COC(=O)C12",
    "caffeine": "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "theophylline": "Cn1c(=O)c2[nH]cnc2n(C)c1=O",
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "nameless": "",
}


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """An untrained student of six drugs; the screen has the first two, the last has no SMILES."""
    import torch

    from napari_tide.students.bundle import load_bundle, save_bundle
    from napari_tide.students.bundle_config import BundleConfig, Drug
    from napari_tide.students.codebook import CodebookConfig
    from napari_tide.students.encoders.encoder_config import EncoderConfig
    from napari_tide.students.student import Student, StudentConfig

    torch.manual_seed(1)
    config = StudentConfig(
        encoder=EncoderConfig(channels=("DNA",), width=24, depth=1, heads=2, image_px=32),
        codebook=CodebookConfig(mode="none", n_drugs=len(DRUGS), n_features=1),
    )
    student = Student(config, torch.zeros(len(DRUGS), 1, dtype=torch.uint8))
    drugs = tuple(Drug(name=name, smiles=smiles) for name, smiles in DRUGS.items())
    folder = tmp_path_factory.mktemp("bundle") / "student"
    save_bundle(student, BundleConfig(name="s", student=config, drugs=drugs), folder)
    return load_bundle(folder)


@pytest.fixture
def profiles(screen, bundle):
    """A profile a well, of the student of the tests."""
    sites = screen.sites.drop_duplicates(["plate", "well"])
    metadata = metadata_of_sites(sites).drop(columns="Metadata_Site")
    features = np.random.default_rng(0).normal(size=(len(sites), 24)).astype(np.float32)
    return Profiles(metadata, features, embedding_names(24), "well", bundle.id)
