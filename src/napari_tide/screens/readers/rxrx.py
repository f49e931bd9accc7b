"""The RxRx data sets of Recursion: RxRx1, RxRx2, RxRx3, RxRx3-core, RxRx19.

Images lie in ``EXPERIMENT/PlateN/WELL_sSITE_wCHANNEL.png``, RxRx3-core's without the ``w``, or flat
as ``EXPERIMENT_N_WELL_wCHANNEL.png``.

This is the only format in which a number names a stain, because the data sets' documentation does:
1 Hoechst, 2 concanavalin A, 3 phalloidin, 4 SYTO 14, 5 MitoTracker, 6 wheat germ agglutinin
(Sypetkowski et al. 2023, "RxRx1: A Dataset for Evaluating Experimental Batch Correction Methods",
and rxrx.ai). RxRx19a has five channels and no such list for the fifth, so that stays ``w5``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_tide.errors import PlateValueError, ScreenFormatError
from napari_tide.screens.assemble import PLANE_COLUMNS, assemble_screen
from napari_tide.screens.plate_format import PlateFormat
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY
from napari_tide.screens.well import Well

STAINS = {"w1": "DNA", "w2": "ER", "w3": "Actin", "w4": "RNA", "w5": "Mito", "w6": "Golgi"}
RXRX3_PIXEL_SIZE_UM = 0.65  # recursionpharma/rxrx-datasets, rxrx3 and rxrx3-core

_IMAGE = r"(?P<well>[A-Z]{1,2}\d{2})(?:_s(?P<site>\d{1,3}))?_w?(?P<channel>[1-6])\.(?:png|jp2)"
_IN_PLATE = re.compile(_IMAGE)
_FLAT = re.compile(rf"(?P<experiment>[A-Za-z0-9]+-\d+)_(?P<number>\d{{1,3}})_{_IMAGE}")
_PLATE_FOLDER = re.compile(r"Plate(\d{1,3})")
_CELL_LINE = re.compile(r"([A-Z][A-Z0-9]+)-\d+")
_RXRX3 = re.compile(r"(?:gene|compound)-\d{3}")


@dataclass(frozen=True, slots=True)
class _PlateFolder:
    experiment: str
    number: int
    path: Path


def cell_line_of(experiment: str) -> str:
    """Give the cell line an experiment's name tells, or nothing: ``"HEPG2-08"`` is HEPG2."""
    if _RXRX3.fullmatch(experiment):
        return "HUVEC"  # all of RxRx3, whose experiments are named for what was perturbed
    match = _CELL_LINE.fullmatch(experiment)
    return match.group(1) if match else ""


def claims(source: Path) -> bool:
    """Tell whether the folder holds RxRx plates or images named as RxRx names them."""
    if not source.is_dir():
        return False
    if any(_FLAT.fullmatch(name) for name in _file_names(source)):
        return True
    folder = next(_plate_folders(source), None)
    return folder is not None and any(
        _IN_PLATE.fullmatch(name) for name in _file_names(folder.path)
    )


def read(source: Path, options: ReadOptions) -> Screen:
    """List the images of an RxRx folder: the whole set, an experiment, or a plate."""
    root = options.images or source
    if not root.is_dir():
        message = f"{root} is no folder; give the folder that holds the RxRx experiments"
        raise ScreenFormatError(message)
    rows = [*_flat_images(root), *_images_in_plates(root)]
    images = pd.DataFrame(rows, columns=[*PLANE_COLUMNS, "batch"])
    renames, warnings = _stain_names(set(images["label"]), options)
    batches = list(images["batch"].unique())
    return assemble_screen(
        images,
        root=root,
        format="rxrx",
        source=str(source),
        renames=renames,
        extra=_experiments(images),
        pixel_size_um=RXRX3_PIXEL_SIZE_UM if all(map(_RXRX3.fullmatch, batches)) else None,
        plate_format=_plate_format(list(images["well"].unique()), source),
        warnings=[*warnings, *_unusual_names(batches)],
        allow_outside=options.allow_outside,
    )


def _file_names(folder: Path) -> Iterator[str]:
    yield from (entry.name for entry in _entries(folder) if not entry.is_dir())


def _folder_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir())


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return


def _plate_folders(source: Path) -> Iterator[_PlateFolder]:
    """Find ``PlateN`` folders: the source itself, or up to three levels down."""
    match = _PLATE_FOLDER.fullmatch(source.name)
    if match:
        yield _PlateFolder(source.absolute().parent.name, int(match.group(1)), source)
        return
    for experiment in _experiment_folders(source):
        for name in _folder_names(experiment):
            match = _PLATE_FOLDER.fullmatch(name)
            if match:
                label = experiment.absolute().name
                yield _PlateFolder(label, int(match.group(1)), experiment / name)


def _experiment_folders(source: Path) -> Iterator[Path]:
    yield source
    for parent in (source, source / "images"):
        yield from (
            parent / name for name in _folder_names(parent) if not _PLATE_FOLDER.fullmatch(name)
        )


def _flat_images(root: Path) -> Iterator[tuple[str, str, int, str, str, str]]:
    for name in sorted(_file_names(root)):
        match = _FLAT.fullmatch(name)
        if match:
            experiment, number, well, site, channel = match.groups()
            plate = f"{experiment}_{int(number)}"
            yield plate, well, int(site or 1), f"w{channel}", name, experiment


def _images_in_plates(root: Path) -> Iterator[tuple[str, str, int, str, str, str]]:
    for folder in _plate_folders(root):
        plate = f"{folder.experiment}_{folder.number}"
        prefix = "" if folder.path == root else folder.path.relative_to(root).as_posix() + "/"
        for name in sorted(_file_names(folder.path)):
            match = _IN_PLATE.fullmatch(name)
            if match:
                well, site, channel = match.groups()
                label = f"w{channel}"
                yield plate, well, int(site or 1), label, prefix + name, folder.experiment


def _stain_names(labels: set[str], options: ReadOptions) -> tuple[dict[str, str], list[str]]:
    given = {label.lower(): stain for label, stain in options.channels.items()}
    documented = {label: stain for label, stain in STAINS.items() if label in labels}
    if "w6" in labels or "w5" not in labels or "w5" in given:
        return {**documented, **given}, []
    del documented["w5"]
    warning = (
        "only five channels are here, as in RxRx19a, whose fifth stain is not documented; "
        "name it with --channels w5=Golgi or w5=Mito"
    )
    return {**documented, **given}, [warning]


def _experiments(images: pd.DataFrame) -> pd.DataFrame:
    sites = images[[*KEY, "batch"]].drop_duplicates(KEY)
    lines = {name: cell_line_of(name) for name in sites["batch"].unique()}
    return sites.assign(cell_line=sites["batch"].map(lines))


def _plate_format(wells: list[str], source: Path) -> PlateFormat | None:
    """Give 384 or 1536 wells: RxRx uses no smaller plate, however few wells are here."""
    try:
        return PlateFormat.holding([Well.parse(name) for name in wells], at_least=384)
    except PlateValueError as error:
        message = f"{source}: {error}"
        raise ScreenFormatError(message) from error


def _unusual_names(batches: list[str]) -> list[str]:
    unusual = sorted(name for name in batches if not cell_line_of(name))
    if not unusual:
        return []
    warning = (
        f"experiment {unusual[0]!r} is not named as in RxRx (such as 'HEPG2-08'); check that 1 is "
        "DNA, 2 ER, 3 Actin, 4 RNA, 5 Mito and 6 Golgi, or name them with --channels"
    )
    return [warning]


READER = Reader("rxrx", "RxRx folder (EXPERIMENT/PlateN/WELL_sN_wN.png)", claims, read)
