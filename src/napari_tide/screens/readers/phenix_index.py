"""The XML index of an Opera Phenix or Operetta export, as a table with a row per image.

Indexes of whole plates exceed 100 MB, so the file is streamed. In older exports (Harmony 5) each
image says its channel's name and pixel size; in newer ones (Harmony 7) ``Maps`` says them once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import pandas as pd

from napari_tide.errors import ScreenFormatError

_IMAGE_FIELDS = (
    "URL",
    "Row",
    "Col",
    "FieldID",
    "PlaneID",
    "TimepointID",
    "ChannelID",
    "ChannelName",
    "ImageResolutionX",
    "PositionX",
    "PositionY",
    "State",
)
_PLATE_FIELDS = ("Name", "PlateID", "PlateRows", "PlateColumns")
_CHANNEL_FIELDS = ("ChannelName", "ImageResolutionX", "FlatfieldProfile")
_RECORDS: Mapping[str, frozenset[str]] = {
    "Image": frozenset(_IMAGE_FIELDS),
    "Plate": frozenset(_PLATE_FIELDS),
    "Entry": frozenset(_CHANNEL_FIELDS),
}
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PhenixIndex:
    """What an index says.

    Parameters
    ----------
    images
        Text columns named as in the file (``URL``, ``Row``, ``Col``, ``FieldID`` ...), empty where
        the file is silent.
    plates
        The fields of each plate.
    channels
        What ``Maps`` says of each channel, by ``ChannelID``.
    """

    images: pd.DataFrame
    plates: list[dict[str, str]] = field(default_factory=list)
    channels: dict[str, dict[str, str]] = field(default_factory=dict)


def read_index(path: Path) -> PhenixIndex:
    """Stream the index.

    Raises
    ------
    ScreenFormatError
        It is not whole XML, declares a document type (as entity bombs do), or is no Phenix index.
    """
    handler = _IndexHandler(path)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = handler.refuse_doctype
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by position
            parser.Parse(b"", True)  # noqa: FBT003
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, ScreenFormatError):
            raise
        message = f"{path} is not whole XML ({error}); copy or export it again"
        raise ScreenFormatError(message) from error
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror or error}); check the file"
        raise ScreenFormatError(message) from error
    if handler.root != "EvaluationInputData":
        message = (
            f"{path} is XML with root {handler.root!r} and not an Opera Phenix index; expected "
            "EvaluationInputData, as in the Index.idx.xml of an export"
        )
        raise ScreenFormatError(message)
    images = pd.DataFrame.from_records(handler.images, columns=list(_IMAGE_FIELDS))
    return PhenixIndex(images, handler.plates, handler.channels)


class _IndexHandler:
    """Collects the records of an index while its elements go by; knows no namespaces."""

    def __init__(self, path: Path) -> None:
        self.root = ""
        self.images: list[tuple[str, ...]] = []
        self.plates: list[dict[str, str]] = []
        self.channels: dict[str, dict[str, str]] = {}
        self._path = path
        self._record: dict[str, str] = {}
        self._wanted: frozenset[str] = frozenset()
        self._channel_id = ""
        self._text: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self.root = self.root or tag
        if tag in self._wanted:
            self._text = []
        elif tag in _RECORDS:
            self._record, self._wanted = {}, _RECORDS[tag]
            self._channel_id = attributes.get("ChannelID", "")

    def text(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        if self._text is not None:
            self._record[tag] = "".join(self._text).strip()
            self._text = None
        elif tag in _RECORDS:
            self._keep(tag)
            self._wanted = frozenset()

    def refuse_doctype(self, *_declaration: object) -> None:
        message = (
            f"{self._path} declares a document type, which no Opera Phenix index does and which "
            "can hide an entity bomb; export it again"
        )
        raise ScreenFormatError(message)

    def _keep(self, tag: str) -> None:
        if tag == "Image" and "URL" in self._record:
            self.images.append(tuple([self._record.get(name, "") for name in _IMAGE_FIELDS]))
        elif tag == "Plate":
            self.plates.append(self._record)
        elif tag == "Entry":
            self.channels.setdefault(self._channel_id, {}).update(self._record)
