"""Find files where they are now, when a table says where they were on somebody else's disk.

Work goes by folder, not by file: a plate's table names tens of thousands of files in a few folders.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from napari_tide.errors import ScreenFormatError

_USUAL_NAMES = ("Images", "images")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder is now.

    Parameters
    ----------
    folder
        Its absolute path; where nothing was found, the end of the old path beneath the first place
        that was searched.
    is_there
        At least one of the wanted files lies in it.
    n_shared
        How many trailing folder names it has in common with the old path.
    """

    folder: str
    is_there: bool
    n_shared: int = 0


def find_folders(
    wanted: Mapping[str, Set[str]],
    *,
    beneath: Sequence[Path],
    source: str,
    search_subfolders: bool = False,
    allow_outside: bool = False,
) -> dict[str, Place]:
    """Find each old folder by the names of the files it should hold.

    Parameters
    ----------
    wanted
        Old folder to the names of its files.
    beneath
        Where to look, the best place first: for the longest end of the old path that exists there,
        else for the files themselves, or an ``Images`` folder. Old paths that are relative start
        from the last of them.
    source
        The file that names the folders, for messages.
    search_subfolders
        Look in every folder directly beneath those places as well.
    allow_outside
        Take the old folder itself first, wherever it is. Without it, an old folder elsewhere is
        only given as a last resort, so that whoever checks the path can say why it is refused.

    Raises
    ------
    ScreenFormatError
        Two old folders with the same file names both seem to be one folder.
    """
    search = _Search([os.path.abspath(base) for base in beneath], search_subfolders, allow_outside)
    places = {old: search.place(old, names) for old, names in wanted.items()}
    return _without_mix_ups(places, wanted, search, source)


def parts_of(old: str) -> list[str]:
    """Split a path of any system to its names, leaving out drives and steps upwards."""
    parts = PurePosixPath(old.replace("\\", "/")).parts
    return [part for part in parts if part not in ("/", "//", "..") and not part.endswith(":")]


def subfolders(folder: str) -> list[str]:
    """List the folders directly in a folder, sorted; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir())
    except OSError:
        return []


class _Search:
    """Looks for folders, listing each one once."""

    def __init__(self, bases: Sequence[str], inside: bool, trusts_old: bool) -> None:  # noqa: FBT001
        self._bases, self._trusts_old = bases, trusts_old
        self._subfolders = {base: subfolders(base) if inside else [] for base in bases}
        self._listings: dict[str, frozenset[str]] = {}

    def place(self, old: str, names: Set[str]) -> Place:
        itself = self._itself(old, names)
        if itself is not None and (self._trusts_old or self._is_beneath(itself.folder)):
            return itself
        for base in self._bases:
            for folder, n_shared in self._candidates(old, base):
                if self._holds_any(folder, names):
                    return Place(folder, is_there=True, n_shared=n_shared)
        return itself if itself is not None else self.absent(old)

    def absent(self, old: str) -> Place:
        return Place(os.path.join(self._bases[0], *parts_of(old)[-2:]), is_there=False)

    def _itself(self, old: str, names: Set[str]) -> Place | None:
        slashed = old.replace("\\", "/")
        if slashed.startswith("//") and not self._trusts_old:
            return None  # merely asking a network share can send it our credentials
        folder = os.path.normpath(os.path.join(self._bases[-1], slashed))
        if self._holds_any(folder, names):
            return Place(folder, is_there=True, n_shared=len(parts_of(old)))
        return None

    def _candidates(self, old: str, base: str) -> list[tuple[str, int]]:
        parts = parts_of(old)
        ends = [
            (os.path.join(base, *parts[start:]), len(parts) - start)
            for start in range(len(parts) + 1)
        ]
        usual = [os.path.join(base, name) for name in _USUAL_NAMES]
        return ends + [(folder, 0) for folder in (*usual, *self._subfolders[base])]

    def _is_beneath(self, folder: str) -> bool:
        return any((folder + os.sep).startswith(base + os.sep) for base in self._bases)

    def _holds_any(self, folder: str, names: Set[str]) -> bool:
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(os.listdir(folder))
            except (OSError, ValueError):  # ValueError: a null character in the path
                self._listings[folder] = frozenset()
        return not names.isdisjoint(self._listings[folder])


def _without_mix_ups(
    places: dict[str, Place], wanted: Mapping[str, Set[str]], search: _Search, source: str
) -> dict[str, Place]:
    """Where two old folders claim the same files, keep the one whose path fits best."""
    settled = dict(places)
    there = [(old, place) for old, place in places.items() if place.is_there]
    claimed: dict[str, list[str]] = {}
    for old, place in sorted(there, key=lambda item: -item[1].n_shared):
        rivals = claimed.setdefault(place.folder, [])
        rival = next((name for name in rivals if not wanted[name].isdisjoint(wanted[old])), None)
        if rival is None:
            rivals.append(old)
        elif places[rival].n_shared == place.n_shared:
            message = (
                f"{source} names the same files in {rival} and in {old}, and both could be "
                f"{place.folder}; keep each plate in a folder named as there"
            )
            raise ScreenFormatError(message)
        else:
            settled[old] = search.absent(old)
    return settled
