"""ImageXpress plates as MetaXpress exports them, with or without their ``.HTD`` description.

Images are named ``PLATE_B03_s1_w2GUID.tif`` and lie beside the ``.HTD`` file or in ``TimePoint_1``
and ``ZStep_1`` folders below it. A single wavelength has no ``_w``, a single site no ``_s``. Where
there are z steps, an image outside the ``ZStep`` folders is the projection: plane 0.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.assemble import PLANE_COLUMNS, assemble_screen
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.htd import HtdFile, read_htd
from napari_tide.screens.readers.one_plane import choose_planes
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.well import Well

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = re.compile(
    r"(?P<plate>.+?)_(?P<well>[a-z]{1,2}(?:0[1-9]|[1-9]\d))"
    r"(?:_s(?P<site>\d{1,4}))?(?:_w(?P<wave>\d{1,2}))?"
    rf"(?P<thumb>_thumb)?(?P<guid>{_GUID})?\.(?:tiff?|png)",
    re.IGNORECASE,
)
_STACK_FOLDER = re.compile(r"(timepoint|zstep)_(\d{1,6})", re.IGNORECASE)
_SCALE = re.compile(rb'"spatial-calibration-x"[^>]{0,40}value="([0-9]{1,6}(?:[.][0-9]{1,15})?)"')
_SCALE_IN_UM = re.compile(rb'"spatial-calibration-units"[^>]{0,40}value="(?:um|microns?)"')
_EDGE_BYTES = 1 << 16
_NAMES_TO_LOOK_AT = 500


class _Image(NamedTuple):
    plate: str
    well: str
    site: int
    wave: int
    time: int
    z: int
    address: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class _PlateSource:
    folder: Path
    htd: HtdFile | None


def claims(source: Path) -> bool:
    """Tell whether this is an ``.HTD`` file, or a folder with one or with MetaXpress's names."""
    if source.is_file():
        return _is_htd(source.name)
    return _is_plate(source) or any(map(_is_plate, _folders(source)))


def read(source: Path, options: ReadOptions) -> Screen:
    """List the images of one or several ImageXpress plates."""
    base = source if source.is_dir() else source.parent
    root = options.images or base
    plates = _plate_sources(source)
    tables = [_plate_planes(plate, base, root) for plate in plates]
    planes = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if planes.empty:
        message = (
            f"{source} has no image named like PLATE_B03_s1_w2.tif in {root}; give their folder "
            "with --images, or describe their names with --pattern"
        )
        raise ScreenFormatError(message)
    chosen = choose_planes(planes, options, source=str(source))
    grid, warnings = _plate_format(plates, planes, str(source))
    return assemble_screen(
        chosen[list(PLANE_COLUMNS)],
        root=root,
        format="image_express",
        source=str(source),
        renames=options.channels,
        pixel_size_um=_pixel_size_um(root / chosen["address"].iloc[0]),
        plate_format=grid,
        warnings=[*warnings, *_missing_wells(plates, planes), *_unnamed_waves(chosen["label"])],
        allow_outside=options.allow_outside,
    )


def _is_htd(name: str) -> bool:
    return name.lower().endswith(".htd")


def _is_plate(folder: Path) -> bool:
    names = [entry.name for entry in _entries(folder)]
    if any(_is_htd(name) or name.lower().startswith("timepoint_") for name in names):
        return True
    matches = map(_NAME.fullmatch, names[:_NAMES_TO_LOOK_AT])
    return any(match["guid"] for match in matches if match is not None)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]


def _plate_sources(source: Path) -> list[_PlateSource]:
    if source.is_file():
        return [_PlateSource(source.parent, read_htd(source))]
    folders = [source] if _is_plate(source) else [*filter(_is_plate, _folders(source))]
    plates = []
    for folder in folders:
        described = [Path(entry.path) for entry in _entries(folder) if _is_htd(entry.name)]
        plates += [_PlateSource(folder, read_htd(path)) for path in described]
        if not described:
            plates.append(_PlateSource(folder, None))
    return plates


def _images(folder: Path, prefix: str, time: int = 1, z: int = 0) -> Iterator[_Image]:
    """List images here and in ``TimePoint_N`` and ``ZStep_N`` folders, thumbnails left out."""
    for entry in _entries(folder):
        name = entry.name
        stack = _STACK_FOLDER.fullmatch(name)
        if stack is not None and entry.is_dir():
            number = int(stack.group(2))
            is_time = stack.group(1).lower() == "timepoint"
            below = (number, z) if is_time else (time, number)
            yield from _images(Path(entry.path), f"{prefix}{name}/", *below)
        match = _NAME.fullmatch(name)
        if match is not None and match["thumb"] is None:
            sure = match["guid"] is not None or bool(_STACK_FOLDER.search(prefix))
            place = match["plate"], match["well"].upper(), int(match["site"] or 1)
            yield _Image(*place, int(match["wave"] or 1), time, z, prefix + name, sure)


def _plate_planes(plate: _PlateSource, base: Path, root: Path) -> pd.DataFrame:
    inside = plate.folder.relative_to(base).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    images = pd.DataFrame(_images(root / inside, prefix), columns=_Image._fields)
    if plate.htd is None:
        images = images[images["is_sure"].astype(bool)]
        names: dict[int, str] = {}
    else:
        own = images["plate"].str.lower() == plate.htd.path.stem.lower()
        images = images[own] if own.any() else images
        names = _distinct(dict(plate.htd.wave_names))
    labels = images["wave"].map(lambda wave: names.get(wave, f"w{wave}"))
    return images.assign(label=labels).sort_values("wave", kind="stable")


def _distinct(names: dict[int, str]) -> dict[int, str]:
    """Leave out names that two wavelengths share: these stay ``w1``, ``w2``."""
    shared = [name.lower() for name in names.values()]
    return {wave: name for wave, name in names.items() if shared.count(name.lower()) == 1}


def _plate_format(
    plates: Sequence[_PlateSource], planes: pd.DataFrame, source: str
) -> tuple[PlateFormat | None, list[str]]:
    grids = {plate.htd.format for plate in plates if plate.htd is not None}
    grid = grids.pop() if len(grids) == 1 else None
    if grid is None:
        return None, []
    outside = [name for name in planes["well"].unique() if not grid.contains(Well.parse(name))]
    if not outside:
        return grid, []
    warning = (
        f"{source}: the .HTD file describes {grid.rows} x {grid.columns} wells, but there are "
        f"images of {outside[0]}"
    )
    return None, [warning]


def _missing_wells(plates: Sequence[_PlateSource], planes: pd.DataFrame) -> list[str]:
    warnings = []
    for plate in plates:
        if plate.htd is None:
            continue
        prefix = plate.htd.path.stem.lower()
        here = planes[planes["plate"].str.lower() == prefix]
        missing = sorted(plate.htd.wells - {Well.parse(name) for name in here["well"].unique()})
        if len(here) and missing:
            warnings.append(
                f"{plate.htd.path.name} lists {len(plate.htd.wells)} wells, but there is no "
                f"image of {len(missing)} of them: {', '.join(well.name for well in missing[:6])}"
            )
    return warnings


def _unnamed_waves(labels: pd.Series) -> list[str]:
    unnamed = [label for label in labels.unique() if re.fullmatch(r"w\d+", label)]
    if not unnamed:
        return []
    warning = (
        f"channels {', '.join(unnamed)} have no names of their own; say what they are with "
        f"--channels {unnamed[0]}=DNA"
    )
    return [warning]


def _pixel_size_um(image: Path) -> float | None:
    """Find the calibration in a MetaMorph TIFF's description, which stands first or last."""
    try:
        with image.open("rb") as file:
            head = file.read(_EDGE_BYTES)
            file.seek(max(0, image.stat().st_size - _EDGE_BYTES))
            content = head + file.read(_EDGE_BYTES)
    except OSError:
        return None
    match = _SCALE.search(content)
    if match is None or not _SCALE_IN_UM.search(content):
        return None
    return float(match.group(1)) or None  # 0 stands for an uncalibrated objective


READER = Reader("image_express", "ImageXpress plate (.HTD or MetaXpress names)", claims, read)
