"""The plate description MetaXpress writes beside its images: ``PLATE.HTD``.

Lines of a quoted key and values: ``"XWells", 24``, ``"WaveName1", "DAPI"``,
``"WellsSelection2", FALSE, TRUE, ...``. Old instruments write it in latin-1, newer ones in UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_tide.errors import ScreenFormatError
from napari_tide.screens.plate_format import STANDARD_FORMATS, PlateFormat
from napari_tide.screens.well import Well

_LINE = re.compile(r'\s*"([^"]+)"\s*(?:,(.*))?')
_VALUE = re.compile(r'"([^"]*)"|([^,"\s][^,"]*)')
_MOST_ROWS = STANDARD_FORMATS[-1].rows


@dataclass(frozen=True, slots=True)
class HtdFile:
    """What a MetaXpress plate description says.

    Parameters
    ----------
    path
        Where it lies; the plate is named for it.
    format
        The plate's grid, where it is a standard one.
    wave_names
        Wavelength number, from 1, to what the user called it.
    wells
        The wells that were to be imaged.
    """

    path: Path
    format: PlateFormat | None
    wave_names: Mapping[int, str]
    wells: frozenset[Well]


def read_htd(path: Path) -> HtdFile:
    """Read a ``.HTD`` file.

    Raises
    ------
    ScreenFormatError
        It cannot be read, or says nothing about a plate.
    """
    values = _values(_text(path))
    if "HTSInfoFile" not in values and "XWells" not in values:
        message = (
            f'{path} is not a MetaXpress plate description (no "HTSInfoFile"); '
            "open the folder of its images, or describe their names with --pattern"
        )
        raise ScreenFormatError(message)
    grid = PlateFormat(_number(values, "YWells", path), _number(values, "XWells", path))
    return HtdFile(
        path=path,
        format=grid if grid in STANDARD_FORMATS else None,
        wave_names=_wave_names(values),
        wells=_selected_wells(values),
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}); check the file's permissions"
        raise ScreenFormatError(message) from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _values(text: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None:
            found = _VALUE.findall(match.group(2) or "")
            values[match.group(1)] = [(quoted or bare).strip() for quoted, bare in found]
    return values


def _number(values: Mapping[str, list[str]], key: str, path: Path) -> int:
    text = (values.get(key) or ["0"])[0]
    if not re.fullmatch(r"[0-9]{1,6}", text):
        message = f"{path} has {key} {text!r}, where a number of wells belongs; correct the file"
        raise ScreenFormatError(message)
    return int(text)


def _wave_names(values: Mapping[str, list[str]]) -> dict[int, str]:
    names: dict[int, str] = {}
    for key, found in values.items():
        match = re.fullmatch(r"WaveName([0-9]{1,3})", key)
        printable = "".join(letter for letter in "".join(found[:1]) if letter.isprintable())
        if match and printable.strip():
            names[int(match.group(1))] = printable.strip()
    return names


def _selected_wells(values: Mapping[str, list[str]]) -> frozenset[Well]:
    wells: set[Well] = set()
    for key, found in values.items():
        match = re.fullmatch(r"WellsSelection([0-9]{1,3})", key)
        if match and 1 <= int(match.group(1)) <= _MOST_ROWS:
            row = int(match.group(1)) - 1
            wells.update(Well(row, column) for column, flag in enumerate(found) if _is_true(flag))
    return frozenset(wells)


def _is_true(flag: str) -> bool:
    return flag.upper() == "TRUE"
