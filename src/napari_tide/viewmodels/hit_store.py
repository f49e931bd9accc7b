"""The last hit list, kept beside the screen so that it is there again after a restart."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from napari_tide.discovery.hit_table import COLUMNS
from napari_tide.discovery.whole_file import write_whole
from napari_tide.errors import HitListFormatError
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.results_folder import results_folder, user_cache

FOLDER, FILE = "hits", "hit_list.parquet"
_KEY = b"napari_tide_hit_list"
_DIGITS = 10


class Trend(BaseModel):
    """How a row's effect goes with dose: rank correlation, chance, and over how many doses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rho: float
    p_value: float
    n_doses: int


class HitStory(BaseModel):
    """What a hit list answers and how.

    Parameters
    ----------
    null_reason
        Where chance was taken from, in words.
    n_tested
        How many tests the q-values account for.
    trends
        Dose trends of the first rows, by rank.
    provenance
        What is written beside the list when it is exported; lists kept by older versions have none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    question: HitQuestion
    null_reason: str
    n_tested: int
    warnings: tuple[str, ...] = ()
    trends: Mapping[int, Trend] = {}
    provenance: Mapping[str, JsonValue] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A hit list with its story."""

    table: pd.DataFrame
    story: HitStory


def home_of_hits(screen: Screen | None, profiles: Path | None) -> Path | None:
    """Give the folder for a screen's hits; without a screen, one in the cache for the profiles."""
    if screen is not None:
        return results_folder(screen) / FOLDER
    if profiles is None:
        return None
    digits = hashlib.sha256(str(profiles.absolute()).encode()).hexdigest()[:_DIGITS]
    return user_cache() / "results" / f"{profiles.stem}-{digits}" / FOLDER


def write_answer(answer: Answer, folder: Path) -> None:
    """Keep a hit list in a folder, whole or not at all.

    Raises
    ------
    OutputWriteError
        It cannot be written.
    """
    table = pa.Table.from_pandas(answer.table[list(COLUMNS)], preserve_index=False)
    known = table.schema.metadata or {}
    table = table.replace_schema_metadata({**known, _KEY: answer.story.model_dump_json().encode()})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    write_whole(folder / FILE, stream.getvalue())


def read_answer(folder: Path) -> Answer | None:
    """Read the hit list in a folder back; nothing where there is none.

    Raises
    ------
    HitListFormatError
        The file is damaged.
    """
    path = folder / FILE
    try:
        table = pq.read_table(path)
        story = HitStory.model_validate_json((table.schema.metadata or {}).get(_KEY, b""))
        found = table.to_pandas()[list(COLUMNS)]
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValidationError, pa.ArrowException) as error:
        message = f"the hit list kept in {path} cannot be read; search again to replace it"
        raise HitListFormatError(message) from error
    return Answer(found, story)
