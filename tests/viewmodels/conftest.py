import queue
import threading

import numpy as np
import pytest

from napari_tide.errors import TideError
from napari_tide.profiles.profiles import Profiles, embedding_names
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.screens.readers.reader import ReadOptions
from napari_tide.screens.readers.registry import read_screen
from napari_tide.viewmodels.recent_students import RecentStudents
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


class Job:
    """One piece of work, and who wants to hear of it."""

    def __init__(self, work, on_step, on_done, on_failed, token):
        self.work, self.on_step, self.on_done, self.on_failed = work, on_step, on_done, on_failed
        self.token, self.steps, self.is_over = token, None, False

    def advance(self):
        try:
            self.steps = self.steps or self.work()
            self.on_step(next(self.steps))
        except StopIteration as stop:
            self.is_over = True
            self.on_done(stop.value)
        except TideError as error:
            self.is_over = True
            self.on_failed(str(error))


class Immediate:
    """Does everything at once, in the caller's thread."""

    def start(self, work, *, on_step, on_done, on_failed, token):
        job = Job(work, on_step, on_done, on_failed, token)
        while not job.is_over:
            job.advance()


class Stepwise:
    """Does nothing until told to."""

    def __init__(self):
        self.jobs = []

    def start(self, work, *, on_step, on_done, on_failed, token):
        self.jobs.append(Job(work, on_step, on_done, on_failed, token))

    def step(self, n):
        for _ in range(n):
            self.jobs[-1].advance()

    def finish(self):
        while self.jobs:
            self._finish(0)

    def finish_but_first(self):
        while len(self.jobs) > 1:
            self._finish(1)

    def _finish(self, place):
        job = self.jobs[place]
        while not job.is_over:
            job.advance()
        self.jobs.remove(job)


class Threaded:
    """Works in a thread; what it has to say waits until the caller asks."""

    def __init__(self):
        self.said, self.n_open, self.names = queue.Queue(), 0, set()

    def start(self, work, *, on_step, on_done, on_failed, token):
        def tell(listener):
            return lambda *value: self.said.put((listener, value))

        def go():
            self.names.add(threading.current_thread().name)
            job = Job(work, tell(on_step), tell(on_done), tell(on_failed), token)
            while not job.is_over:
                job.advance()
            self.said.put((None, ()))

        self.n_open += 1
        threading.Thread(target=go).start()

    def wait(self):
        while self.n_open:
            listener, value = self.said.get(timeout=60)
            if listener is None:
                self.n_open -= 1
            else:
                listener(*value)


@pytest.fixture
def background():
    return Immediate()


@pytest.fixture
def stepwise():
    return Stepwise()


@pytest.fixture
def threaded():
    return Threaded()


@pytest.fixture
def recent(tmp_path):
    return RecentStudents(tmp_path / "recent.json")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    """Nothing is kept in the user's own cache."""
    monkeypatch.setenv("NAPARI_TIDE_CACHE", str(tmp_path / "cache"))
