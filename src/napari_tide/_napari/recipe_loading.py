"""Fetching the recipes and devices from a short-lived process, once for all viewers."""

from __future__ import annotations

import sys

from psygnal import Signal
from pydantic import ValidationError
from qtpy.QtCore import QProcess

from napari_tide._napari.recipe_listing import read_listing
from napari_tide.viewmodels.failure_advice import last_words
from napari_tide.viewmodels.recipe_catalogue import RecipeCatalogue

_ARGUMENTS = ["-m", "napari_tide._napari.recipe_listing"]
_known: list[RecipeCatalogue] = []


class RecipeLoader:
    """Brings the catalogue, or a sentence why there is none."""

    loaded = Signal(object)
    failed = Signal(str)

    def __init__(self) -> None:
        self._process: QProcess | None = None

    def load(self) -> None:
        """Ask for the recipes; what was fetched before comes at once."""
        if _known:
            self.loaded.emit(_known[-1])
            return
        if self._process is not None:
            return
        self._process = QProcess()
        self._process.finished.connect(self._on_finished)
        self._process.start(sys.executable, _ARGUMENTS)

    def cancel(self) -> None:
        """Give up waiting."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.kill()
            process.waitForFinished(2000)

    def _on_finished(self, *_status: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        output = bytes(process.readAllStandardOutput()).decode("utf-8", errors="replace")
        errors = bytes(process.readAllStandardError()).decode("utf-8", errors="replace")
        try:
            catalogue = read_listing(output)
        except ValidationError as error:
            catalogue, errors = None, str(error)
        if catalogue is None:
            said = last_words(errors.splitlines()) or "it said nothing"
            self.failed.emit(f"the recipes cannot be read ({said}); install napari-tide again")
            return
        _known.append(catalogue)
        self.loaded.emit(catalogue)
