"""What a user set once for every screen, in napari's Preferences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Folder = Literal["screens", "students", "exports"]


@dataclass(frozen=True, slots=True)
class Preferences:
    """How students run, and in which folders dialogs open.

    Parameters
    ----------
    device
        Where a student runs; ``"auto"`` takes the fastest there is.
    batch_tiles
        Tiles it sees at a time; nothing lets it choose.
    screens, students, exports
        Folders in which the dialogs for each open; empty for wherever the last one was.
    """

    device: str = "auto"
    batch_tiles: int | None = None
    screens: str = ""
    students: str = ""
    exports: str = ""

    def folder(self, kind: Folder) -> str:
        """Give the folder a dialog opens in; empty where it is not set or not there any more."""
        chosen = {"screens": self.screens, "students": self.students, "exports": self.exports}
        text = chosen[kind].strip()
        return str(Path(text).expanduser()) if text and Path(text).expanduser().is_dir() else ""
