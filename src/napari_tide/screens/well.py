"""A well: a position on a plate."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from napari_tide.errors import PlateValueError

_NAME = re.compile(r"([A-Z]{1,2})0*([1-9]\d?)")


@dataclass(frozen=True, slots=True, order=True)
class Well:
    """A well position on a plate, counted from zero."""

    row: int
    column: int

    @classmethod
    def parse(cls, name: str) -> Well:
        """Read a name such as ``"B03"``, ``"b3"`` or ``"AF48"``."""
        match = _NAME.fullmatch(name.strip().upper())
        if match is None:
            message = f"{name!r} is not a well name; expected one like 'B03'"
            raise PlateValueError(message)
        letters, digits = match.groups()
        row = functools.reduce(lambda n, c: 26 * n + ord(c) - ord("A") + 1, letters, 0)
        return cls(row - 1, int(digits) - 1)

    @property
    def name(self) -> str:
        """The name as printed on plates, two digits for the column: ``"B03"``."""
        return f"{row_name(self.row)}{self.column + 1:02d}"

    def __str__(self) -> str:
        """Write the name."""
        return self.name


def row_name(row: int) -> str:
    """Give the letters of a 0-based row: 0 is ``"A"``, 31 is ``"AF"``."""
    if row < 26:
        return chr(ord("A") + row)
    return chr(ord("A") + row // 26 - 1) + chr(ord("A") + row % 26)
