"""Opera Phenix and Operetta exports: TIFFs beside an ``Index.idx.xml`` (or ``Index.xml``)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from napari_tide.errors import ScreenFormatError
from napari_tide.plane_address import PlaneAddress
from napari_tide.screens.assemble import assemble_screen
from napari_tide.screens.join_screens import join_screens
from napari_tide.screens.plate_format import STANDARD_FORMATS, PlateFormat
from napari_tide.screens.readers.found_files import FoundFiles
from napari_tide.screens.readers.moved_files import subfolders
from napari_tide.screens.readers.one_plane import choose_planes
from napari_tide.screens.readers.phenix_index import PhenixIndex, read_index
from napari_tide.screens.readers.reader import Reader, ReadOptions
from napari_tide.screens.screen import Screen
from napari_tide.screens.site_table import KEY
from napari_tide.screens.well import Well

_NAMES = ("Index.idx.xml", "Index.xml", "Index.ref.xml")
_ROOT_TAG = b"EvaluationInputData"
_HEAD_BYTES = 4096
_POLYNOMIAL = re.compile(r"\bType:\s*Polynomial\b")
_LARGEST_NUMBER = 1_000_000
_WHOLE_NUMBERS = {"Row": None, "Col": None, "FieldID": 1, "PlaneID": 1, "TimepointID": 0}


def claims(source: Path) -> bool:
    """Tell whether the file is a Phenix index, or the folder (or its ``Images``) holds one."""
    if source.is_dir():
        return bool(_indexes_in(source))
    is_xml = source.suffix.lower() == ".xml" and source.is_file()
    return is_xml and (source.name in _NAMES or _looks_like_index(source))


def read(source: Path, options: ReadOptions) -> Screen:
    """Read an index, or those of all plates in a folder.

    Raises
    ------
    ScreenFormatError
        An index is damaged, names no image, or its plates do not have the same channels.
    ScreenValueError
        There are several z planes or time points and the user chose none of them.
    """
    indexes = _indexes_in(source) if source.is_dir() else [source]
    if not indexes:
        message = f"{source} holds no Index.idx.xml or Index.xml; give the folder of the images"
        raise ScreenFormatError(message)
    return join_screens([_read_plate(index, options) for index in indexes], source=str(source))


def _indexes_in(folder: Path) -> list[Path]:
    """Find the index of one plate, or those of all measurements one level down."""
    here = _index_of(folder)
    if here is not None:
        return [here]
    inside = (_index_of(Path(entry)) for entry in subfolders(str(folder)))
    return [index for index in inside if index is not None]


def _index_of(measurement: Path) -> Path | None:
    folders = (measurement, measurement / "Images")
    for path in (folder / name for folder in folders for name in _NAMES):
        if path.is_file() and (path.name == _NAMES[0] or _looks_like_index(path)):
            return path
    return None


def _looks_like_index(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _ROOT_TAG in file.read(_HEAD_BYTES)
    except OSError:
        return False


def _read_plate(path: Path, options: ReadOptions) -> Screen:
    index = read_index(path)
    if index.images.empty:
        message = f"{path} lists no image; export the measurement again, with its images"
        raise ScreenFormatError(message)
    images = _with_numbers(index.images, path)
    labels = _labels(index, images)
    flat = [number for number in _channels_with_flatfield(index) if number in labels]
    folders, names = _split(images["URL"])
    wanted = {folder: set(group) for folder, group in names.groupby(folders, sort=False)}
    found = FoundFiles.of(wanted, table=path, options=options, needs_table=bool(flat))
    addresses = folders.map({old: found.prefix(old) for old in wanted}) + names
    planes = _planes(images, labels, addresses).assign(plate=_plate_name(index, path))
    chosen = choose_planes(planes, options, source=str(path))
    pixel_size_um, warnings = _pixel_size(index, images)
    itself = Path(found.prefix_of(Path(os.path.abspath(path)).parent) + path.name)
    flatfield = {number: PlaneAddress(itself, (("channel", int(number)),)) for number in flat}
    return assemble_screen(
        chosen,
        root=found.root,
        format="phenix",
        source=str(path),
        renames=_renames(options.channels, labels),
        illumination={labels[number]: str(address) for number, address in flatfield.items()},
        extra=chosen.drop_duplicates(KEY)[[*KEY, "x_um", "y_um"]],
        pixel_size_um=pixel_size_um,
        plate_format=_plate_format(index),
        warnings=[*warnings, *_bad_states(images)],
        allow_outside=options.allow_outside,
    )


def _planes(images: pd.DataFrame, labels: Mapping[str, str], addresses: pd.Series) -> pd.DataFrame:
    columns = {
        "well": _well_names(images),
        "site": images["FieldID"],
        "z": images["PlaneID"],
        "time": images["TimepointID"],
        "label": images["ChannelID"].map(labels),
        "address": addresses,
        "x_um": pd.to_numeric(images["PositionX"], errors="coerce") * 1e6,
        "y_um": pd.to_numeric(images["PositionY"], errors="coerce") * 1e6,
    }
    return pd.DataFrame(columns)


def _with_numbers(images: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Turn rows, columns, fields, planes and times to whole numbers; some may be left out."""
    numbered = images.copy()
    for name, default in _WHOLE_NUMBERS.items():
        values = images[name].where(images[name] != "", default)
        numbers = pd.to_numeric(values, errors="coerce")
        smallest = 1 if default is None else 0
        wrong = ~numbers.between(smallest, _LARGEST_NUMBER) | (numbers % 1 != 0)
        if wrong.any():
            row = images[wrong].iloc[0]
            message = (
                f"{path} gives image {row['URL']!r} the {name} {row[name]!r}; "
                "expected a whole number, counted from 1; export it again"
            )
            raise ScreenFormatError(message)
        numbered[name] = numbers.astype(int)
    return numbered


def _split(urls: pd.Series) -> tuple[pd.Series, pd.Series]:
    parts = urls.str.replace("\\", "/").str.rpartition("/")
    return parts[0], parts[2]


def _labels(index: PhenixIndex, images: pd.DataFrame) -> dict[str, str]:
    """Name each ``ChannelID``: on its images, else in the maps, else ``ch5``."""
    first = images.drop_duplicates("ChannelID").set_index("ChannelID")["ChannelName"]
    numbers = sorted(first.index, key=lambda number: (len(number), number))
    names = {
        number: first[number] or index.channels.get(number, {}).get("ChannelName", "")
        for number in numbers
    }
    repeated = {name for name in names.values() if list(names.values()).count(name) > 1}
    return {
        number: f"{name} ch{number}".strip() if name in repeated else name or f"ch{number}"
        for number, name in names.items()
    }


def _renames(given: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Let a user name a channel by its number too, as the file names do: ``ch5``."""
    by_number = {f"ch{number}": label for number, label in labels.items()}
    return {by_number.get(label.lower(), label): stain for label, stain in given.items()}


def _channels_with_flatfield(index: PhenixIndex) -> list[str]:
    return [
        number
        for number, entry in index.channels.items()
        if _is_small_number(number) and _POLYNOMIAL.search(entry.get("FlatfieldProfile", ""))
    ]


def _well_names(images: pd.DataFrame) -> pd.Series:
    pairs = list(zip(images["Row"], images["Col"], strict=True))
    names = {pair: Well(pair[0] - 1, pair[1] - 1).name for pair in set(pairs)}
    return pd.Series([names[pair] for pair in pairs], index=images.index)


def _plate_name(index: PhenixIndex, path: Path) -> str:
    if len(index.plates) > 1:
        message = (
            f"{path} lists {len(index.plates)} plates without saying which image is of which; "
            "export one plate at a time"
        )
        raise ScreenFormatError(message)
    plate = index.plates[0] if index.plates else {}
    return plate.get("Name") or plate.get("PlateID") or path.absolute().parent.name


def _plate_format(index: PhenixIndex) -> PlateFormat | None:
    plate = index.plates[0] if index.plates else {}
    rows, columns = plate.get("PlateRows", ""), plate.get("PlateColumns", "")
    if not (_is_small_number(rows) and _is_small_number(columns)):
        return None
    grid = PlateFormat(int(rows), int(columns))
    return grid if grid in STANDARD_FORMATS else None


def _is_small_number(text: str) -> bool:
    """Tell numbers from the text, or the thousands of digits, of a damaged index."""
    return text.isdecimal() and len(text) <= 6


def _pixel_size(index: PhenixIndex, images: pd.DataFrame) -> tuple[float | None, list[str]]:
    texts = [*images["ImageResolutionX"].unique()]
    texts += [entry.get("ImageResolutionX", "") for entry in index.channels.values()]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").dropna()
    sizes = sorted({float(size) * 1e6 for size in numbers if size > 0})
    if len(sizes) <= 1:
        return (sizes[0] if sizes else None), []
    shown = ", ".join(f"{size:.4g}" for size in sizes)
    return None, [f"channels differ in pixel size ({shown} µm); it stays unknown"]


def _bad_states(images: pd.DataFrame) -> list[str]:
    states = images["State"]
    bad = states[(states != "") & (states.str.lower() != "ok")]
    if bad.empty:
        return []
    first = images.loc[bad.index[0], "URL"]
    kinds = ", ".join(sorted(bad.unique()))
    return [f"the microscope marked {len(bad)} images as {kinds} (the first is {first})"]


READER = Reader("phenix", "Opera Phenix or Operetta export with Index.xml", claims, read)
