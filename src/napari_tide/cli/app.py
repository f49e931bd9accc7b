"""``tide app``: napari with the docks."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from napari_tide.cli.display import has_display
from napari_tide.errors import MissingExtraError, ScreenMissingError

Source = Annotated[
    Path | None,
    typer.Argument(metavar="[SCREEN]", help="A plate folder, table, index or OME-Zarr to open."),
]


def run(screen: Source = None) -> None:
    """Open napari with the docks, on a screen where one is given."""
    if screen is not None and not screen.exists():
        message = f"{screen} does not exist; give a plate folder, load_data.csv, Index.xml or .zarr"
        raise ScreenMissingError(message)
    open_napari(screen)


def open_napari(screen: Path | None) -> None:
    """Open napari and stay until it is closed.

    Raises
    ------
    MissingExtraError
        napari is not installed, or there is no display to open it on.
    """
    require_napari()
    if not has_display():
        message = "there is no display to open napari on; run tide demo --headless for pictures"
        raise MissingExtraError(message)
    from napari_tide._napari.launch import launch

    launch(screen)


def require_napari() -> None:
    """Refuse in one sentence where napari is not installed."""
    if find_spec("napari") is None:
        message = 'napari is not installed; pip install "napari-tide[napari]"'
        raise MissingExtraError(message)
