"""OME-Zarr plates (HCS) of version 0.4 (zarr 2) and 0.5 (zarr 3), and single OME-Zarr images.

A plane's address is the full-resolution array's folder and the indices along the axes it has:
``B/03/0/0#c=1&t=0&z=0``. The metadata of every image is read, so a field with other channels, or
the same in another order, is listed by its own labels. Fields of further acquisitions are sites of
their own, told apart by the column ``acquisition``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from napari_tide.errors import PlateValueError, ScreenFormatError, ScreenMissingError
from napari_tide.screens.assemble import PLANE_COLUMNS, assemble_screen
from napari_tide.screens.plate_format import STANDARD_FORMATS, PlateFormat
from napari_tide.screens.readers.ome_zarr_metadata import (
    ImageLayout,
    PlateAttributes,
    WellAttributes,
    WellImage,
    parse_part,
    read_attributes,
    read_image_layout,
)
from napari_tide.screens.readers.one_plane import choose_index
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY
from napari_tide.screens.well import Well

_MARKERS = ("zarr.json", ".zgroup", ".zattrs")
_THREADS = 16  # for network storage, where each small file costs a round trip


@dataclass(frozen=True, slots=True)
class _Image:
    """A field: where it should be, how it is stored, or what is wrong with it."""

    well: str
    site: int
    acquisition: int | None
    path: str
    layout: ImageLayout | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _ZarrPlate:
    name: str
    images: tuple[_Image, ...]
    format: PlateFormat | None
    warnings: tuple[str, ...]


def claims(source: Path) -> bool:
    """Tell whether this is a zarr group, its metadata file, or a folder with ``.zarr`` folders."""
    if source.is_file():
        return source.name in _MARKERS
    return _is_zarr(source) or bool(_zarrs_in(source))


def read(source: Path, options: ReadOptions) -> Screen:
    """List the fields of one or several OME-Zarr plates; no chunk is read."""
    root = source.parent if source.is_file() else source
    folders = [root] if _is_zarr(root) else _zarrs_in(root)
    plates = _distinctly_named([_read_plate(folder, root) for folder in folders], folders)
    tables = [_planes(plate, options, str(source)) for plate in plates]
    _refuse_different_channels(plates, tables)
    planes = pd.concat(tables, ignore_index=True)
    layouts = [image.layout for plate in plates for image in plate.images if image.layout]
    formats = {plate.format for plate in plates}
    return assemble_screen(
        planes[list(PLANE_COLUMNS)],
        root=root,
        format="ome_zarr",
        source=str(source),
        renames=options.channels,
        extra=_acquisitions(planes),
        pixel_size_um=layouts[0].pixel_size_um,
        plate_format=formats.pop() if len(formats) == 1 else None,
        warnings=_warnings(plates, layouts, planes),
        allow_outside=options.allow_outside,
    )


def _is_zarr(folder: Path) -> bool:
    return any((folder / marker).is_file() for marker in _MARKERS)


def _zarrs_in(folder: Path) -> list[Path]:
    try:
        return sorted(
            path for path in folder.iterdir() if path.suffix == ".zarr" and _is_zarr(path)
        )
    except OSError:
        return []


def _read_plate(folder: Path, root: Path) -> _ZarrPlate:
    attributes = read_attributes(folder)
    prefix = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
    stem = folder.absolute().name.removesuffix(".zarr").removesuffix(".ome")
    if "plate" in attributes:
        plate = parse_part(PlateAttributes, attributes["plate"], source=folder)
        wells = [_well_name(reference.path, folder) for reference in plate.wells]
        paths = [f"{prefix}{reference.path.strip('/')}" for reference in plate.wells]
        with ThreadPoolExecutor(_THREADS) as threads:
            found = list(threads.map(partial(_images_of_well, root), wells, paths))
        images = _with_missing_ones([image for well in found for image in well], folder)
        name = (plate.name or "").strip() or stem
        return _ZarrPlate(name, images, _format(plate, wells), _skipped(found, folder))
    if "multiscales" in attributes:
        path = prefix.rstrip("/") or "."
        image = _Image("A01", 1, None, path, read_image_layout(folder))
        return _ZarrPlate(stem, (image,), None, ())
    message = (
        f"{folder} is a zarr group with neither a plate nor an image; "
        "open the OME-Zarr plate or image inside it"
    )
    raise ScreenFormatError(message)


def _well_name(path: str, folder: Path) -> str:
    try:
        return Well.parse("".join(path.strip("/").split("/")[-2:])).name
    except PlateValueError as error:
        message = f"{folder} has a well at {path!r}; expected a row and a column such as 'B/03'"
        raise ScreenFormatError(message) from error


def _images_of_well(root: Path, well: str, path: str) -> list[_Image]:
    try:
        attributes = read_attributes(root / path)
        part = parse_part(WellAttributes, attributes.get("well"), source=root / path)
    except (ScreenFormatError, ScreenMissingError) as error:
        return [_Image(well, 0, None, path, problem=str(error))]
    numbers = _site_numbers(part.images)
    images = []
    for number, image in zip(numbers, part.images, strict=True):
        place = _Image(well, number, image.acquisition, f"{path}/{image.path.strip('/')}")
        try:
            images.append(replace(place, layout=read_image_layout(root / place.path)))
        except ScreenMissingError:
            images.append(place)
        except ScreenFormatError as error:
            images.append(replace(place, problem=str(error)))
    return images


def _site_numbers(images: Sequence[WellImage]) -> list[int]:
    """Count sites from 1: by the field's own number where all have one, else as listed."""
    names = [image.path.strip("/") for image in images]
    if all(re.fullmatch(r"[0-9]{1,6}", name) for name in names):
        return [int(name) + 1 for name in names]
    return list(range(1, len(names) + 1))


def _with_missing_ones(images: list[_Image], folder: Path) -> tuple[_Image, ...]:
    """Keep fields that are not there, laid out as the first that is, so that they are reported."""
    good = [image.layout for image in images if image.layout is not None]
    if not good:
        reason = next((image.problem for image in images if image.problem), "it lists no field")
        message = f"{folder} has no field that can be read: {reason}"
        raise ScreenFormatError(message)
    kept = (image for image in images if not image.problem)
    return tuple(image if image.layout else replace(image, layout=good[0]) for image in kept)


def _skipped(wells: Sequence[Sequence[_Image]], folder: Path) -> tuple[str, ...]:
    damaged = [image for images in wells for image in images if image.problem]
    if not damaged:
        return ()
    paths = ", ".join(image.path for image in damaged[:6])
    return (f"{folder}: {len(damaged)} damaged places are left out: {paths}; {damaged[0].problem}",)


def _format(plate: PlateAttributes, wells: Sequence[str]) -> PlateFormat | None:
    grid = PlateFormat(len(plate.rows), len(plate.columns))
    holds_all = all(grid.contains(Well.parse(well)) for well in wells)
    return grid if grid in STANDARD_FORMATS and holds_all else None


def _distinctly_named(plates: list[_ZarrPlate], folders: list[Path]) -> list[_ZarrPlate]:
    if len({plate.name for plate in plates}) == len(plates):
        return plates
    stems = [folder.name.removesuffix(".zarr").removesuffix(".ome") for folder in folders]
    return [replace(plate, name=stem) for plate, stem in zip(plates, stems, strict=True)]


def _planes(plate: _ZarrPlate, options: ReadOptions, source: str) -> pd.DataFrame:
    reference = next(image.layout for image in plate.images if image.layout)
    rows = [
        (plate.name, image.well, image.site, label, address, image.acquisition)
        for image in plate.images
        for label, address in _plane_addresses(image, reference, options, source)
    ]
    return pd.DataFrame(rows, columns=[*PLANE_COLUMNS, "acquisition"])


def _plane_addresses(
    image: _Image, reference: ImageLayout, options: ReadOptions, source: str
) -> Iterator[tuple[str, str]]:
    layout = image.layout
    assert layout is not None
    where = source if image.path == "." else f"{source} ({image.path})"
    n_z, n_t = (range(layout.lengths.get(axis, 1)) for axis in "zt")
    indices = {
        "t": choose_index(n_t, options.time, "time", source=where),
        "z": choose_index(n_z, options.plane, "z", source=where),
    }
    fixed = [f"{axis}={index}" for axis, index in indices.items() if axis in layout.lengths]
    folder = layout.array if image.path == "." else f"{image.path}/{layout.array}"
    for channel, label in enumerate(_labels(layout, reference)):
        own = [f"c={channel}"] if "c" in layout.lengths else []
        fragment = "&".join([*own, *fixed])
        yield label, f"{folder}#{fragment}" if fragment else folder


def _labels(layout: ImageLayout, reference: ImageLayout) -> list[str]:
    """Name every channel; what has no name, or one that another has too, is ``c0``, ``c1`` ..."""
    n_channels = layout.lengths.get("c", 1)
    given = layout.labels
    if not any(given) and n_channels == reference.lengths.get("c", 1):
        given = reference.labels  # one field whose channels go unnamed is stained like the others
    folded = [label.lower() for label in given]
    return [
        given[i] if i < len(given) and given[i] and folded.count(folded[i]) == 1 else f"c{i}"
        for i in range(n_channels)
    ]


def _refuse_different_channels(plates: list[_ZarrPlate], tables: list[pd.DataFrame]) -> None:
    labels = [sorted({*table["label"]}) for table in tables]
    for plate, own in zip(plates, labels, strict=True):
        if own != labels[0]:
            message = (
                f"plates {plates[0].name!r} and {plate.name!r} have different channels "
                f"({labels[0]} and {own}); open them one by one"
            )
            raise ScreenFormatError(message)


def _acquisitions(planes: pd.DataFrame) -> pd.DataFrame | None:
    if planes["acquisition"].nunique() < 2:
        return None
    return planes[[*KEY, "acquisition"]].drop_duplicates(KEY)


def _warnings(
    plates: Sequence[_ZarrPlate], layouts: Sequence[ImageLayout], planes: pd.DataFrame
) -> list[str]:
    warnings = [warning for plate in plates for warning in plate.warnings]
    warnings += dict.fromkeys(warning for layout in layouts for warning in layout.warnings)
    unnamed = [label for label in planes["label"].unique() if re.fullmatch(r"c\d+", label)]
    if unnamed:
        warnings.append(
            f"channels {', '.join(unnamed)} have no names of their own; say what they are with "
            f"--channels {unnamed[0]}=DNA"
        )
    n_acquisitions = planes["acquisition"].nunique()
    if n_acquisitions > 1:
        warnings.append(
            f"there are {n_acquisitions} acquisitions; their fields are sites of their own, "
            "told apart by the column acquisition"
        )
    sizes = {layout.pixel_size_um for layout in layouts}
    if len(sizes) > 1:
        warnings.append("not all fields have the same pixel size; the first one's is used")
    return warnings


READER = Reader("ome_zarr", "OME-Zarr plate or image (.zarr)", claims, read)
