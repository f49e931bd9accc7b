"""Flat-field profiles kept inside a Phenix index (``Index.idx.xml#channel=5``).

Each channel's profile is one line of Acapella notation, ``{Key: value, Key: {...}, ...}``, with
lists in brackets and text either bare ("Alexa 488 Em 650") or quoted where it holds a comma.
"""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET  # expat refuses entity bombs since 2.4.1
from collections.abc import Mapping
from typing import Final

from napari_tide.errors import IlluminationFormatError
from napari_tide.imaging.flatfield_polynomial import FlatfieldPolynomial
from napari_tide.plane_address import PlaneAddress

# A colon ends a key only before a space: "Acapella:2013" is one text.
_SCALAR: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|(?P<bare>[^\s{}\[\],:"](?:[^{}\[\],:"]|:(?!\s))*)'
)


def read_phenix_flatfield(address: PlaneAddress) -> FlatfieldPolynomial:
    """Read one channel's polynomial from an index file.

    The foreground profile describes how the stain's own light falls off, which is what dividing
    is to undo; the background profile, measured between cells, stands in where Harmony found too
    few cells to fit one.

    Raises
    ------
    IlluminationFormatError
        The index has no profile for the channel, or one that cannot be understood.
    """
    line = _profile_line(address)
    try:
        profile = _parse(line)
    except (ValueError, RecursionError) as error:
        message = f"{address} holds a flat-field profile that is cut short: {line[:60]!r}…"
        raise IlluminationFormatError(message) from error
    fitted = _best_fit(profile)
    if fitted is None:
        message = f"{address} holds a flat-field profile without a Foreground or Background part"
        raise IlluminationFormatError(message)
    return FlatfieldPolynomial.from_profile(fitted, source=str(address))


def _best_fit(profile: object) -> Mapping[str, object] | None:
    """Choose the first part that Harmony could fit ("Null" says it could not)."""
    parts = profile if isinstance(profile, dict) else {}
    sections = [parts.get("Foreground"), parts.get("Background")]
    found = [
        section
        for section in sections
        if isinstance(section, dict) and isinstance(section.get("Profile"), dict)
    ]
    found.sort(key=lambda section: section.get("Character") == "Null")
    return found[0]["Profile"] if found else None


def _profile_line(address: PlaneAddress) -> str:
    """Find the channel's profile without reading the list of images, most of a large index."""
    channel = str(address.index("channel"))
    current, seen = "", []
    try:
        for event, element in ET.iterparse(address.path, events=("start", "end")):  # noqa: S314
            tag = element.tag.rpartition("}")[2]
            if event == "start" and tag == "Entry":
                current = element.get("ChannelID", "")
            elif event == "end" and tag == "FlatfieldProfile":
                seen.append(current)
                if current == channel and element.text:
                    return str(element.text)
            elif event == "start" and tag == "Images":
                break
            elif event == "end" and tag in ("Well", "Image"):
                element.clear()
    except (ET.ParseError, OSError) as error:
        message = f"{address.path} cannot be read as a Phenix index ({error})"
        raise IlluminationFormatError(message) from error
    message = (
        f"{address.path} has no flat-field profile for channel {channel}. Available: {seen}; "
        "estimate the illumination from the plate instead"
    )
    raise IlluminationFormatError(message)


def _parse(line: str) -> object:
    """Read Acapella notation by rewriting its scalars as JSON's."""
    value: object = json.loads(_SCALAR.sub(_as_json, line))
    return value


def _as_json(match: re.Match[str]) -> str:
    text = str(match["quoted"] if match["quoted"] is not None else match["bare"].strip())
    try:
        number = float(text) if match["quoted"] is None else math.nan
    except ValueError:
        number = math.nan
    # NaN and INF stay text, which is refused where a number must stand
    return json.dumps(number if math.isfinite(number) else text)
