"""What a file's name says: a pattern with named groups, the user's own or one of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from napari_tide.errors import PlateValueError, ScreenFormatError, ScreenValueError
from napari_tide.screens.channels import is_known_stain
from napari_tide.screens.well import Well

_GROUPS = ("plate", "well", "row", "column", "site", "field", "channel", "z", "plane", "time")
_SUFFIX = r"\.(?:tiff?|png|jp2|jpe?g)"
_WELL = r"(?-i:(?P<well>(?:A[A-F]|[A-Z])(?:0?[1-9]|[1-4]\d)))"
IMAGE_SUFFIXES = (".tif", ".tiff", ".png", ".jp2", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A regular expression whose named groups say plate, well, site and channel.

    Parameters
    ----------
    regex
        Searched for in a path with forward slashes, relative to the opened folder.
    says_well
        Whether it says the well; where it does not, every image is of well A01.
    """

    regex: re.Pattern[str]
    says_well: bool = True

    @classmethod
    def of_user(cls, text: str) -> NamePattern:
        """Take a user's pattern.

        Raises
        ------
        ScreenValueError
            It is no regular expression, or says no well or no channel.
        """
        try:
            regex = re.compile(text)
        except re.error as error:
            message = f"pattern {text!r} is no regular expression ({error}); {_EXAMPLE}"
            raise ScreenValueError(message) from error
        groups = set(regex.groupindex)
        unknown = sorted(groups - set(_GROUPS))
        if unknown:
            message = f"pattern {text!r} has a group {unknown[0]!r}; use {', '.join(_GROUPS)}"
            raise ScreenValueError(message)
        if "channel" not in groups or not ("well" in groups or {"row", "column"} <= groups):
            message = (
                f"pattern {text!r} lacks a group: it needs channel, and well or row and column; "
                f"{_EXAMPLE}"
            )
            raise ScreenValueError(message)
        return cls(regex)

    def matches(self, path: str) -> bool:
        """Tell whether the path fits the pattern."""
        return self._match(path) is not None

    def parse(self, path: str) -> dict[str, str | int | None] | None:
        """Give ``plate`` (None where unsaid), ``well, site, z, time, label``; None for no match.

        Raises
        ------
        ScreenFormatError
            The groups hold something that is no well, channel or whole number.
        """
        match = self._match(path)
        if match is None:
            return None
        said = {name: value for name, value in match.groupdict().items() if value}
        if "channel" not in said:
            message = f"the pattern finds no channel in {path!r}; {_EXAMPLE}"
            raise ScreenFormatError(message)
        return {
            "plate": said.get("plate"),
            "well": self._well(said, path),
            "site": _number(said, ("site", "field"), path, default=1),
            "z": _number(said, ("z", "plane"), path, default=1),
            "time": _number(said, ("time",), path, default=0),
            "label": said["channel"],
        }

    def _match(self, path: str) -> re.Match[str] | None:
        match = self.regex.search(path)
        if match is None or (not self.says_well and not is_known_stain(match["channel"])):
            return None
        return match

    def _well(self, said: Mapping[str, str], path: str) -> str:
        if not self.says_well:
            return "A01"
        try:
            if "well" in said:
                return Well.parse(said["well"]).name
            row, column = said.get("row", ""), said.get("column", "")
            if row.isdecimal() and column.isdecimal() and int(row) >= 1 and int(column) >= 1:
                return Well(int(row) - 1, int(column) - 1).name
            return Well.parse(row + column).name
        except PlateValueError as error:
            message = f"file {path!r}: {error}; check the pattern"
            raise ScreenFormatError(message) from error


def _number(said: Mapping[str, str], names: tuple[str, ...], path: str, *, default: int) -> int:
    text = next((said[name] for name in names if name in said), None)
    if text is None:
        return default
    if not (text.isdecimal() and len(text) <= 9):
        message = f"file {path!r} has {names[0]} {text!r}; expected a whole number in that group"
        raise ScreenFormatError(message)
    return int(text)


def _built_in(text: str, *, says_well: bool = True) -> NamePattern:
    regex = re.compile(f"(?:^|/){text}{_SUFFIX}$", re.IGNORECASE)
    return NamePattern(regex, says_well=says_well)


_EXAMPLE = r"for example '(?P<well>[A-P]\d\d)_s(?P<site>\d+)_(?P<channel>\w+)\.tif'"
PHENIX_NAMES = _built_in(
    r"r(?P<row>\d\d+)c(?P<column>\d\d+)f(?P<site>\d+)p(?P<z>\d+)"
    r"-(?P<channel>ch\d+)sk(?P<time>\d+)fk\d+fl\d+"
)
WELL_SITE_CHANNEL_NAMES = _built_in(
    rf"(?:(?P<plate>[^/]+)[_-])?{_WELL}"
    r"(?:[_-](?:s|f|site|field|fld)?(?P<site>\d{1,4}))?"
    r"(?:[_-]t(?P<time>\d+))?(?:[_-]z(?P<z>\d+))?"
    r"[_-](?![sftz]\d+\.)(?P<channel>[a-z][^/_]*(?:_[hl])?)"
)
STAIN_NAMES = _built_in("(?P<channel>[^/]+)", says_well=False)
BUILT_IN = (PHENIX_NAMES, WELL_SITE_CHANNEL_NAMES, STAIN_NAMES)
