"""Preferences > napari-tide: what the manifest's ``configurations`` let a user set."""

from __future__ import annotations

from pathlib import Path

from napari.settings import get_plugin_settings

from napari_tide.viewmodels.preferences import Folder, Preferences

_PLUGIN = "napari-tide"


def current_preferences() -> Preferences:
    """Read what is set now; what napari does not know of, as in a bare script, is as if unset."""
    try:
        settings = get_plugin_settings(_PLUGIN)
    except KeyError:
        return Preferences()
    running, folders = settings.running, settings.folders
    return Preferences(
        device=str(running.device),
        batch_tiles=int(running.batch_size) or None,
        screens=str(folders.screens),
        students=str(folders.students),
        exports=str(folders.exports),
    )


def start_of(kind: Folder, file: str = "") -> str:
    """Give where a file dialog opens, with a file name where one is suggested."""
    folder = current_preferences().folder(kind)
    return str(Path(folder) / file) if folder else file
