"""A map laid out by a process of its own: ``python -m napari_tide.profiles.project_file``.

UMAP holds Python's lock for seconds and cannot be stopped half way: in a process of its own neither
a window freezes, nor does a cancelled map go on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

import numpy as np

from napari_tide.errors import TideError
from napari_tide.profiles.project import Space, project

REFUSED = 2


def main(arguments: Sequence[str]) -> int:
    """Read rows from one file and write their places in the plane to another."""
    space, rows_file, places_file = arguments
    assert space in get_args(Space)
    rows = np.load(Path(rows_file), mmap_mode="r", allow_pickle=False)
    try:
        places = project(rows, space=cast("Space", space))
    except TideError as error:
        sys.stderr.write(str(error))
        return REFUSED
    with Path(places_file).open("wb") as file:
        np.save(file, places)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
