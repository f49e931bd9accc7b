"""What is drawn ahead is seen by nobody, and out of the way when there is something to see."""

import pytest
from napari.components import ViewerModel

from napari_tide._napari.viewer_desk import desk_of
from napari_tide._napari.warm_up import warm_up_soon
from napari_tide.screens.open_screen import open_screen

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def text(viewer):
    return viewer.canvas.overlays.text


def test_letters_are_drawn_unseen_and_taken_away(viewer, text, qtbot):
    before = text.model_dump()
    warm_up_soon(viewer)
    qtbot.waitUntil(lambda: text.visible)
    assert text.opacity == 0
    assert set("A01 site 1 of 2 · DMSO 2.5 µM") <= set(text.text)
    qtbot.waitUntil(lambda: not text.visible)
    after = text.model_dump()
    assert {name for name in before if before[name] != after[name]} == {"font_size"}


def test_a_well_that_comes_meanwhile_is_named(viewer, text, qtbot, plate_folder):
    warm_up_soon(viewer)
    qtbot.waitUntil(lambda: text.visible)
    session = desk_of(viewer).session
    session.open(open_screen(plate_folder))
    qtbot.waitUntil(lambda: text.text.startswith("B02"))
    qtbot.wait(600)
    assert (text.text.split()[0], text.visible, text.opacity) == ("B02", True, 1)


def test_a_text_somebody_shows_is_left_alone(viewer, text, qtbot):
    text.text, text.visible, text.opacity = "mine", True, 0.5
    warm_up_soon(viewer)
    qtbot.wait(100)
    assert (text.text, text.visible, text.opacity) == ("mine", True, 0.5)
