"""File > Open Sample: the bundled simulated plate."""

from __future__ import annotations

from napari_tide._napari.reader import LayerData, read_layers
from napari_tide.screens.sample_data import sample_folder


def open_sample() -> list[LayerData]:
    """Give the first well of the bundled plate; the Plate dock opens beside it."""
    return read_layers(str(sample_folder()))
