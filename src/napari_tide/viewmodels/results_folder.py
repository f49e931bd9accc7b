"""Where results of a screen are kept: beside it, else in the user's cache."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from napari_tide.errors import ScreenMissingError
from napari_tide.screens.sample_data import sample_folder
from napari_tide.screens.screen import Screen

SUFFIX = ".tide"
CACHE_VARIABLE = "NAPARI_TIDE_CACHE"
_DIGITS = 10


def results_folder(screen: Screen) -> Path:
    """Give the folder of a screen's results, ``<screen>.tide`` next to it; nothing is created.

    The bundled sample, and a screen in a folder that cannot be written, take the user's cache.
    """
    root = screen.root
    beside = root.with_name(root.name + SUFFIX)
    is_ours = beside.is_dir() and os.access(beside, os.W_OK)
    if root.name and not is_bundled(root) and (is_ours or os.access(root.parent, os.W_OK)):
        return beside
    digits = hashlib.sha256(str(root).encode()).hexdigest()[:_DIGITS]
    return user_cache() / "results" / f"{root.name or 'root'}-{digits}"


def user_cache() -> Path:
    """Give the folder napari-tide keeps things in for this user; ``NAPARI_TIDE_CACHE`` moves it."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "napari-tide"


def is_bundled(path: Path) -> bool:
    """Tell whether a file or folder is part of the bundled sample, where nothing is written."""
    try:
        sample = sample_folder().resolve()
    except ScreenMissingError:
        return False
    return path.resolve().is_relative_to(sample)
