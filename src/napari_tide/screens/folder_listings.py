"""Which of a screen's files are there, told from listings of their folders."""

from __future__ import annotations

import os
from pathlib import Path

from napari_tide.plane_address import PlaneAddress


class FolderListings:
    """The folders beneath a root, each listed once and when first asked for.

    Asking for every file would take minutes for a screen on a network drive.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._listed: dict[str, tuple[str, frozenset[str]]] = {}

    def has(self, address: str) -> bool:
        """Tell whether the file of an address, as it stands in a table, is there."""
        folder, name = _folder_and_name(address)
        return name in self._listing(folder)[1]

    def path(self, address: str) -> str:
        """Give the absolute path of an address, whether it is there or not."""
        folder, name = _folder_and_name(address)
        return os.path.join(self._listing(folder)[0], name)

    def _listing(self, folder: str) -> tuple[str, frozenset[str]]:
        if folder not in self._listed:
            full = os.path.normpath(os.path.join(self._root, folder))
            self._listed[folder] = (full, _names_in(full))
        return self._listed[folder]


def _folder_and_name(address: str) -> tuple[str, str]:
    path = str(PlaneAddress.parse(address).path) if "#" in address else address
    return os.path.split(path.rstrip("/"))


def _names_in(folder: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(folder))
    except (OSError, ValueError):  # ValueError: a null character in the path
        return frozenset()
