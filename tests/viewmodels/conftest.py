import pytest

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
