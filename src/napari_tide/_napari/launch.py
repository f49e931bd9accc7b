"""Starting napari with the Plate dock."""

from __future__ import annotations

from pathlib import Path

import napari

from napari_tide._napari.reader import PLATE_DOCK, PLUGIN
from napari_tide._napari.viewer_desk import desk_of


def open_viewer(source: Path | None) -> napari.Viewer:
    """Open a viewer with the Plate dock, and `source` in it where one is given."""
    viewer = napari.Viewer(title="napari-tide", show_welcome_screen=False)
    viewer.window.add_plugin_dock_widget(PLUGIN, PLATE_DOCK)
    if source is not None:
        desk_of(viewer).opener.open(source)
    return viewer


def launch(source: Path | None) -> None:
    """Open a viewer and stay until it is closed."""
    open_viewer(source)
    napari.run()
