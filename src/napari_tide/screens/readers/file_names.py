"""Folders of images whose names say everything: a user's pattern, or names we know.

Known are Phenix names (``r02c03f01p01-ch1sk1fk1fl1.tiff``), names of well, site and channel
(``B03_s1_DAPI.tif``), and a folder with a file per stain (``DAPI.tif``, ``ER.tif``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.channels import is_known_stain
from napari_tide.screens.readers.moved_files import subfolders
from napari_tide.screens.readers.name_pattern import (
    BUILT_IN,
    IMAGE_SUFFIXES,
    PHENIX_NAMES,
    STAIN_NAMES,
    WELL_SITE_CHANNEL_NAMES,
    NamePattern,
)
from napari_tide.screens.readers.one_plane import choose_planes
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well

_WELL_NAME = re.compile(r"(?:A[A-F]|[A-Z])(?:0?[1-9]|[1-4]\d)")


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Images that may follow a pattern, and others beside them that do not."""

    pattern: NamePattern
    paths: list[str]
    others: list[str]


def claims(source: Path) -> bool:
    """Tell whether a folder holds images with names we know, there or one level down."""
    return source.is_dir() and _recognise(source) is not None


def read(source: Path, options: ReadOptions) -> Screen:
    """List a folder of images by their names.

    Raises
    ------
    ScreenFormatError
        It holds no image whose name fits.
    ScreenValueError
        The user's pattern is none, or there are several z planes and the user chose none.
    """
    if not source.is_dir():
        message = f"{source} is a file; file names are read from a folder, so give its folder"
        raise ScreenFormatError(message)
    if options.pattern is None:
        candidates = _recognise(source)
    else:
        pattern = NamePattern.of_user(options.pattern)
        candidates = _Candidates(pattern, sorted(_all_files(source)), [])
    if candidates is None:
        message = (
            f"{source} holds no images with names that say well and channel; describe them with "
            "--pattern"
        )
        raise ScreenFormatError(message)
    planes = _planes(candidates, source)
    chosen = choose_planes(planes, options, source=str(source))
    unsaid = []
    if not candidates.pattern.says_well and set(chosen["well"]) == {"A01"}:
        unsaid = ["the file names do not say the well; A01 stands for it"]
    return assemble_screen(
        chosen,
        root=source,
        format="file_names",
        source=str(source),
        renames=options.channels,
        warnings=[*_unmatched(candidates, planes), *unsaid],
        allow_outside=options.allow_outside,
    )


def _recognise(folder: Path) -> _Candidates | None:
    """Look at the folder's own images first, then one level down (and in ``Images`` there)."""
    own = _images_in(folder, "")
    pattern = _pattern_of(own)
    if pattern is not None:
        return _Candidates(pattern, own, [])
    deeper = [(images, _pattern_of(images)) for images in _image_folders_in(folder)]
    patterns = [pattern for _, pattern in deeper if pattern is not None]
    if not patterns:
        return None
    commonest = max(patterns, key=patterns.count)
    fitting = [path for images, pattern in deeper if pattern is commonest for path in images]
    others = [path for images, pattern in deeper if pattern is not commonest for path in images]
    return _Candidates(commonest, fitting, [*own, *others])


def _pattern_of(paths: Sequence[str]) -> NamePattern | None:
    for pattern in (PHENIX_NAMES, WELL_SITE_CHANNEL_NAMES):
        if any(map(pattern.matches, paths)):
            return pattern
    return STAIN_NAMES if paths and all(map(STAIN_NAMES.matches, paths)) else None


def _all_files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        prefix = Path(place).relative_to(folder).as_posix()
        for name in names:
            if not name.startswith("."):
                yield name if prefix == "." else f"{prefix}/{name}"


def _images_in(folder: Path, prefix: str) -> list[str]:
    """List images; names with a leading dot are what macOS leaves beside the real files."""
    try:
        names = sorted(os.listdir(folder / prefix))
    except OSError:
        return []
    return [prefix + name for name in names if _is_image(name) and not name.startswith(".")]


def _is_image(path: str) -> bool:
    return path.lower().endswith(IMAGE_SUFFIXES)


def _image_folders_in(folder: Path) -> list[list[str]]:
    names = [Path(inside).name for inside in subfolders(str(folder))]
    prefixes = [f"{name}{end}" for name in names if name[0] != "." for end in ("/", "/Images/")]
    return [images for prefix in prefixes if (images := _images_in(folder, prefix))]


def _planes(candidates: _Candidates, source: Path) -> pd.DataFrame:
    """Parse the names; channels come in natural order, ``ch2`` before ``ch10``."""
    pattern = candidates.pattern
    said = {path: pattern.parse(path) for path in candidates.paths}
    planes = pd.DataFrame([{**it, "address": path} for path, it in said.items() if it is not None])
    if planes.empty:
        raise ScreenFormatError(_no_fit(candidates, source))
    folders = [path.split("/")[0] for path in planes["address"] if "/" in path]
    if not pattern.says_well and folders and all(map(_is_well, folders)):
        planes["well"] = folders
    elif pattern in BUILT_IN and _are_plates(folders, planes):
        planes["plate"] = planes["plate"].where(planes["plate"].notna(), folders)
    planes["plate"] = planes["plate"].fillna(_plate_name(source))
    labels = sorted(planes["label"].unique(), key=_natural)
    rank = planes["label"].map({label: place for place, label in enumerate(labels)})
    return planes.iloc[rank.argsort(kind="stable")]


def _no_fit(candidates: _Candidates, source: Path) -> str:
    paths = candidates.paths
    example = f", such as {[*filter(_is_image, paths), *paths][0]!r}" if paths else ""
    text = candidates.pattern.regex.pattern
    return f"pattern {text!r} fits none of the {len(paths)} files in {source}{example}"


def _are_plates(folders: list[str], planes: pd.DataFrame) -> bool:
    """Tell whether images come from several folders that are neither wells nor stains."""
    if len(set(folders)) < 2 or all(map(is_known_stain, folders)):
        return False
    pairs = zip(folders, planes["well"], strict=True)
    return not all(_is_well(folder) and Well.parse(folder).name == well for folder, well in pairs)


def _is_well(folder: str) -> bool:
    return _WELL_NAME.fullmatch(folder) is not None


def _plate_name(source: Path) -> str:
    folder = Path(os.path.abspath(source))
    return folder.parent.name if folder.name.lower() == "images" else folder.name


def _natural(label: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", label)]


def _unmatched(candidates: _Candidates, planes: pd.DataFrame) -> list[str]:
    fitting = set(planes["address"])
    rest = [path for path in candidates.paths if path not in fitting and _is_image(path)]
    rest += candidates.others
    if not rest:
        return []
    warning = (
        f"{len(rest)} of {len(rest) + len(fitting)} images have other names and are left out, such "
        f"as {rest[0]}; describe them with --pattern if they are wanted"
    )
    return [warning]


READER = Reader("file_names", "folder of images with telling names", claims, read)
