"""Dropping a screen on napari: the first well's layers, and the Plate dock beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from weakref import ref

import napari
import numpy.typing as npt
from napari.components import ViewerModel
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_tide._napari.field_layers import METADATA_KEY, LayerOptions, layer_options
from napari_tide._napari.screen_opener import open_with_place
from napari_tide._napari.viewer_desk import desk_of
from napari_tide.screens.readers.registry import find_reader
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.field_planes import read_field
from napari_tide.viewmodels.place import Place

PLUGIN = "napari-tide"
PLATE_DOCK = "Plate"
MAPS_DOCK = "Maps"
TRAIN_DOCK = "Train"
HITS_DOCK = "Hits"

LayerData = tuple[npt.NDArray, LayerOptions, str]
ReadFunction = Callable[[str | Sequence[str]], list[LayerData]]


def get_reader(path: str | Sequence[str]) -> ReadFunction | None:
    """Give the reader of a screen, or nothing for what is none (judged by names alone)."""
    if not isinstance(path, str) or find_reader(Path(path)) is None:
        return None
    return read_layers


def read_layers(path: str | Sequence[str]) -> list[LayerData]:
    """Read the first well with images; napari adds the layers, then the dock takes them over."""
    assert isinstance(path, str)
    screen, place = open_with_place(Path(path))
    if place is None:
        first = screen.site_at(0)
        place = Place(first.plate, first.well, first.number)
    planes = read_field(
        screen.site(place.plate, place.well, place.site), screen.channel_names
    ).planes
    _hand_over_later(screen, place)
    return [
        (plane, layer_options(screen, place, name, plane), "image")
        for name, plane in planes.items()
    ]


def open_plate_dock(viewer: ViewerModel) -> None:
    """Show the Plate dock, at the right unless the user moved it elsewhere."""
    viewer.window.add_plugin_dock_widget(PLUGIN, PLATE_DOCK)


def _hand_over_later(screen: Screen, place: Place) -> None:
    """Once napari has added the layers, open the dock and let it take them over.

    A reader is not told which viewer asked. It is the active one, but for a script with several:
    there the layers are not found in the active one, and stay plain image layers.
    """
    viewer = napari.current_viewer()
    if viewer is None or QApplication.instance() is None:
        return
    key = ref(getattr(viewer, "__wrapped__", viewer))

    def hand_over() -> None:
        asked = key()
        if asked is not None:
            _hand_over(asked, screen, place)

    QTimer.singleShot(0, hand_over)


def _hand_over(viewer: ViewerModel, screen: Screen, place: Place) -> None:
    wanted = {"source": screen.source, "plate": place.plate, "well": place.well.name}
    added = [
        layer
        for layer in viewer.layers
        if wanted.items() <= dict(layer.metadata.get(METADATA_KEY, {})).items()
    ]
    newest = {layer.metadata[METADATA_KEY]["channel"]: layer for layer in added}
    if newest:
        desk_of(viewer).layers.adopt(list(newest.values()), screen, place)
        open_plate_dock(viewer)
