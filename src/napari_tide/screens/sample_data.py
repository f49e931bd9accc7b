"""The bundled sample screen: in the installed package first, else at the checkout's root."""

from __future__ import annotations

from pathlib import Path

from napari_tide.errors import ScreenMissingError

_PACKAGE = Path(__file__).parents[1]
_CANDIDATES = (_PACKAGE / "sample_data", _PACKAGE.parents[1] / "sample_data")


def sample_folder() -> Path:
    """Give the folder of the bundled sample screen.

    Raises
    ------
    ScreenMissingError
        This installation carries none.
    """
    for folder in _CANDIDATES:
        if (folder / "screen.parquet").is_file():
            return folder
    message = (
        "this installation carries no sample screen; make one with "
        "tide simulate sample_data --preset sample"
    )
    raise ScreenMissingError(message)
