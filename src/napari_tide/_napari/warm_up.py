"""Doing once, while the user looks for a screen, what napari does with its first well.

Otherwise all of it would be added to the wait for that well: 0.6 s for a first layer and 0.2 s for
a first text, where that was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from weakref import ref

import imagecodecs
import numpy as np
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QTimer

from napari_tide._napari.field_layers import PLACE_FONT_SIZE, is_open

# What places are written with; a letter costs 5 ms when a window first draws it.
_LETTERS = "ABCDEFGHIJKLMNOP0123456789 · DMSO .µM · site of"
_DRAWN_WITHIN_MS = 500


def warm_up_soon(viewer: ViewerModel) -> None:
    """Once the GUI is idle, make a layer and draw a text that nobody sees."""
    viewer = getattr(viewer, "__wrapped__", viewer)
    _call_later(0, _warm_up, viewer)


def _warm_up(viewer: ViewerModel) -> None:
    _warm_up_process()
    text = viewer.canvas.overlays.text
    if viewer.layers or text.visible:
        return  # somebody uses it already
    text.opacity = 0
    text.font_size = PLACE_FONT_SIZE
    text.text = _LETTERS
    text.visible = True
    _call_later(_DRAWN_WITHIN_MS, _take_text_away, viewer)


@cache
def _warm_up_process() -> None:
    """Load the units' definitions, SciPy's filters, the colour maps and the TIFF decoder."""
    pixels = np.zeros((2, 2), np.uint16)
    Image(pixels, scale=(1, 1), units=("um", "um"), axis_labels=("y", "x"))
    imagecodecs.tiff_decode(imagecodecs.tiff_encode(pixels))


def _take_text_away(viewer: ViewerModel) -> None:
    """Leave the text as it was, unless a well has come and been named meanwhile."""
    text = viewer.canvas.overlays.text
    if text.text == _LETTERS:
        text.visible = False
        text.text = ""
        text.opacity = 1


def _call_later(delay_ms: int, action: Callable[[ViewerModel], None], viewer: ViewerModel) -> None:
    """Call with a viewer, if it is still open by then."""
    viewer_ref = ref(viewer)

    def call() -> None:
        alive = viewer_ref()
        if alive is not None and is_open(alive):
            action(alive)

    QTimer.singleShot(delay_ms, call)
