"""Where one image plane lives: a file, and which plane of it.

Most planes are a file of their own. Where a file or store holds several, a fragment selects one:
``plate.zarr/B/03/0#c=1&z=0`` or ``field.tif#page=2``. Flat-field polynomials inside a Phenix index
are addressed the same way, ``Index.idx.xml#channel=5``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FRAGMENT = re.compile(r"#((?:[a-z]+=[0-9]{1,9})(?:&[a-z]+=[0-9]{1,9})*)$")


@dataclass(frozen=True, slots=True, order=True)
class PlaneAddress:
    """A file and the indices that pick one plane inside it."""

    path: Path
    indices: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> PlaneAddress:
        """Read ``"file"`` or ``"file#key=number&key=number"``."""
        match = _FRAGMENT.search(text)
        if match is None:
            return cls(Path(text))
        pairs = (pair.split("=") for pair in match.group(1).split("&"))
        return cls(Path(text[: match.start()]), tuple((key, int(value)) for key, value in pairs))

    def index(self, key: str, default: int = 0) -> int:
        """Give the index named `key`, such as the page or the channel, or `default`."""
        return dict(self.indices).get(key, default)

    def __str__(self) -> str:
        """Write the address as it stands in a table, with forward slashes."""
        fragment = "&".join(f"{key}={value}" for key, value in self.indices)
        return self.path.as_posix() + (f"#{fragment}" if fragment else "")
