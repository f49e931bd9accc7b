"""What commands share about their outputs: refuse early, say where it went."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_tide.errors import OutputExistsError, OutputWriteError

if TYPE_CHECKING:
    from napari_tide.inference.profile_screen import SkippedSite

_SKIPPED_SHOWN = 5


def refuse_output(out: Path, endings: tuple[str, ...], *, overwrite: bool) -> None:
    """Refuse an output before any work is done for it.

    Raises
    ------
    OutputWriteError, OutputExistsError
        The name does not say the format, is a folder, or is taken.
    """
    if not out.name.endswith(endings):
        message = f"--out {out} does not end in {' or '.join(endings)}; name it like x{endings[0]}"
        raise OutputWriteError(message)
    try:
        is_folder, is_taken = out.is_dir(), out.exists()
        above = next(folder for folder in out.absolute().parents if folder.exists())
    except OSError as error:
        message = f"--out {out} cannot be written ({error.strerror or error}); choose another"
        raise OutputWriteError(message) from error
    if is_folder:
        message = f"--out {out} is a folder; name a file in it"
        raise OutputWriteError(message)
    if not above.is_dir():
        message = f"--out {out} cannot be written, since {above} is a file; choose another folder"
        raise OutputWriteError(message)
    if is_taken and not overwrite:
        message = f"--out {out} is already there; choose another name, or replace it: --overwrite"
        raise OutputExistsError(message)


def report(facts: dict[str, object], sentence: str, *, as_json: bool) -> None:
    """Print what was done: one JSON object, or a sentence."""
    print(json.dumps(facts, allow_nan=False) if as_json else sentence)


def skipped_lines(skipped: Sequence[SkippedSite], listed_in: str) -> list[str]:
    """Name the first sites that could not be read, and where all are listed."""
    if not skipped:
        return []
    shown = [
        f"  {site.plate} {site.well} site {site.site}: {site.reason}"
        for site in skipped[:_SKIPPED_SHOWN]
    ]
    rest = len(skipped) - len(shown)
    more = [f"  and {rest} more"] if rest else []
    return [f"skipped {len(skipped)}, listed in {listed_in}:", *shown, *more]
