"""Stars and notes a user puts on hits, kept from day to day."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_tide.discovery.whole_file import write_whole
from napari_tide.errors import HitListFormatError
from napari_tide.viewmodels.hit_rows import HitKey

FILE = "hit_notes.json"


@dataclass(frozen=True)
class HitNotes:
    """What is starred, and what is noted; changing it gives another one."""

    stars: Collection[HitKey] = frozenset()
    notes: Mapping[HitKey, str] = field(default_factory=dict)

    def with_star(self, key: HitKey, *, is_starred: bool) -> HitNotes:
        """Star a hit, or take its star away."""
        stars = frozenset(self.stars) | {key} if is_starred else frozenset(self.stars) - {key}
        return replace(self, stars=stars)

    def with_note(self, key: HitKey, text: str) -> HitNotes:
        """Put a note on a hit; an empty one takes it away."""
        kept = {known: said for known, said in self.notes.items() if known != key}
        return replace(self, notes={**kept, key: text.strip()} if text.strip() else kept)


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    compound: str
    gene: str
    is_starred: bool = False
    note: str = ""


class _NotesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format_version: Literal[1] = 1
    hits: list[_Note]


def write_notes(notes: HitNotes, folder: Path) -> None:
    """Keep the notes in a folder, whole or not at all.

    Raises
    ------
    OutputWriteError
        They cannot be written.
    """
    keys = sorted({*notes.stars, *notes.notes})
    hits = [
        _Note(
            compound=key[0],
            gene=key[1],
            is_starred=key in notes.stars,
            note=notes.notes.get(key, ""),
        )
        for key in keys
    ]
    text = json.dumps(_NotesFile(hits=hits).model_dump(), indent=1, ensure_ascii=False)
    write_whole(folder / FILE, text.encode())


def read_notes(folder: Path) -> HitNotes:
    """Read the notes in a folder back; none where there are none.

    Raises
    ------
    HitListFormatError
        The file is damaged.
    """
    path = folder / FILE
    try:
        read = _NotesFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return HitNotes()
    except (OSError, ValidationError) as error:
        message = (
            f"{path} with your stars and notes cannot be read; mend or rename it, or they are "
            "written anew with the next star"
        )
        raise HitListFormatError(message) from error
    keys = {(hit.compound, hit.gene): hit for hit in read.hits}
    return HitNotes(
        frozenset(key for key, hit in keys.items() if hit.is_starred),
        {key: hit.note for key, hit in keys.items() if hit.note},
    )
