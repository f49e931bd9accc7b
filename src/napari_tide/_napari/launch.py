"""Starting napari with the docks."""

from __future__ import annotations

from pathlib import Path

import napari
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import Qt, QTimer

from napari_tide._napari.reader import HITS_DOCK, MAPS_DOCK, PLATE_DOCK, PLUGIN, TRAIN_DOCK
from napari_tide._napari.viewer_desk import desk_of

_MANIFEST = Path(__file__).parents[1] / "napari.yaml"


def register_plugin() -> None:
    """Make napari know the plugin when it runs from a source folder that is not installed."""
    manager = PluginManager.instance()
    manager.discover()
    if PLUGIN not in manager:
        manager.register(PluginManifest.from_file(_MANIFEST))


def open_viewer(source: Path | None) -> napari.Viewer:
    """Open a viewer with its docks, and `source` in it where one is given."""
    register_plugin()
    viewer = napari.Viewer(title="napari-tide", show_welcome_screen=False)
    add_docks(viewer)
    if source is not None:
        desk_of(viewer).opener.open(source)
    return viewer


def add_docks(viewer: napari.Viewer) -> None:
    """Put the docks where they belong: Plate in front at the right, Maps at the bottom."""
    plate, _ = viewer.window.add_plugin_dock_widget(PLUGIN, PLATE_DOCK)
    for dock in (HITS_DOCK, TRAIN_DOCK):
        viewer.window.add_plugin_dock_widget(PLUGIN, dock, tabify=True)
    viewer.window.add_plugin_dock_widget(PLUGIN, MAPS_DOCK)
    # the plate and the list need height, the maps can do with less width
    plate.window().setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
    QTimer.singleShot(0, plate.raise_)  # after the tabs, which come forward as they are added


def launch(source: Path | None) -> None:
    """Open a viewer and stay until it is closed."""
    open_viewer(source)
    napari.run()
