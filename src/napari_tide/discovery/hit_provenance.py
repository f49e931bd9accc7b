"""What stands beside a hit list: the question, the inputs, and how to make it again."""

from __future__ import annotations

import datetime as dt
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import napari_tide
from napari_tide.discovery.dose_trend import DoseTrend
from napari_tide.discovery.hit_list import HitList, HitSettings
from napari_tide.discovery.queries import Query
from napari_tide.discovery.whole_file import sha256_of, write_whole

FORMAT_VERSION = 1
# a student's weights, an adapter's, a screen's table
_OF_FOLDERS = (
    "model.safetensors",
    "adapter.safetensors",
    "screen.parquet",
    "load_data.csv",
    "Index.xml",
    "Index.idx.xml",
)


@dataclass(frozen=True, slots=True)
class HitInputs:
    """The files a hit list was made from, by what they were given as, and the command."""

    files: Mapping[str, Sequence[Path]]
    command: str = ""


def describe_hits(
    hits: HitList,
    query: Query,
    settings: HitSettings,
    *,
    inputs: HitInputs,
    warnings: Sequence[str] = (),
    trends: Mapping[int, DoseTrend] | None = None,
) -> dict[str, object]:
    """Give the provenance of a hit list as one JSON object."""
    return {
        "format_version": FORMAT_VERSION,
        "query": {"kind": query.kind, "asked": list(query.asked), "in_words": str(query)},
        "settings": asdict(settings),
        "null": {"kind": hits.null, "reason": hits.null_reason},
        "n_tested": hits.n_tested,
        "n_hits": len(hits.table),
        "dose_trends": {
            str(rank): {"rho": trend.rho, "p_value": trend.p_value, "n_doses": trend.n_doses}
            for rank, trend in (trends or {}).items()
        },
        "inputs": {name: [_told(path) for path in paths] for name, paths in inputs.files.items()},
        "warnings": list(warnings),
        "versions": {
            "napari_tide": napari_tide.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
        },
        "command": inputs.command,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }


def provenance_path(hits: Path) -> Path:
    """Name the file beside a hit list: ``hits.json`` for ``hits.csv``."""
    return hits.with_suffix(".json")


def write_provenance(described: Mapping[str, object], path: Path) -> None:
    """Write provenance, whole or not at all.

    Raises
    ------
    OutputWriteError
        It cannot be written.
    """
    write_whole(path, (json.dumps(described, indent=2, allow_nan=False) + "\n").encode())


def _told(path: Path) -> dict[str, str]:
    """Name a file with its hash; a folder is told by the file in it that says what it is."""
    known = path
    if path.is_dir():
        inside = (path / name for name in _OF_FOLDERS)
        known = next((file for file in inside if file.is_file()), path)
    return {"path": str(known), "sha256": sha256_of(known) if known.is_file() else ""}
