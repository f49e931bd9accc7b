"""What stands beside an exported hit list: the question, the inputs, the command that equals it.

It is made when the list is, off the GUI thread, and kept with it: at the time of the export, files
may be others and another student may be chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from napari_tide.errors import OutputWriteError
from napari_tide.profiles.profiles import Profiles
from napari_tide.screens.screen import Screen
from napari_tide.viewmodels.hit_question import HitQuestion
from napari_tide.viewmodels.results_folder import results_folder
from napari_tide.viewmodels.shell_command import shell_command

if TYPE_CHECKING:  # discovery brings torch along, which the dock opens without
    from napari_tide.discovery.dose_trend import DoseTrend
    from napari_tide.discovery.hit_list import HitList, HitSettings

_DIRECTIONS = {"anti-match": ["--opposite"], "both": ["--absolute"]}


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question with everything it is answered from.

    Parameters
    ----------
    files
        Where the profiles were opened from; none where they are of a run of the screen.
    """

    question: HitQuestion
    profiles: Profiles
    student: Path | None = None
    screen: Screen | None = None
    files: tuple[Path, ...] = ()


def record_of(
    asked: Asked,
    found: HitList,
    settings: HitSettings,
    *,
    warnings: Sequence[str],
    trends: Mapping[int, DoseTrend],
) -> dict[str, JsonValue]:
    """Give the provenance of an answer, as ``tide hits`` writes it; files are hashed."""
    from napari_tide.discovery.hit_provenance import HitInputs, describe_hits
    from napari_tide.discovery.queries import Query

    files, question = files_of(asked), asked.question
    about = question.wells if question.kind == "wells" else (question.text.strip(),)
    query = Query(question.kind, tuple(text for text in about if text))
    inputs = HitInputs(files, command_of(question, files))
    described = describe_hits(
        found, query, settings, inputs=inputs, warnings=warnings, trends=trends
    )
    within = list(question.wells) if question.is_within_selection else []
    return cast("dict[str, JsonValue]", {**described, "within_wells": within})


def files_of(asked: Asked) -> dict[str, Sequence[Path]]:
    """List the files behind an answer, by the option of ``tide hits`` they are given to."""
    found: dict[str, Sequence[Path]] = {"profiles": asked.files or _files_of_run(asked)}
    if asked.question.kind == "signature":
        found["signature"] = [Path(asked.question.text.strip())]
    if asked.student is not None:
        found["student"] = [asked.student]
    if asked.screen is not None and Path(asked.screen.source).exists():
        found["screen"] = [Path(asked.screen.source)]
    return found


def command_of(question: HitQuestion, files: Mapping[str, Sequence[Path]]) -> str:
    """Give the command that makes the same list; empty where none does."""
    if question.is_within_selection or not files["profiles"]:
        return ""
    parts = ["tide", "hits", *map(str, files["profiles"])]
    if question.kind == "wells":
        parts += ["--wells", ",".join(question.wells)]
    elif question.kind != "pairs":
        parts += [f"--{question.kind}", question.text.strip()]
    if question.kind == "signature" and question.sample.strip():
        parts += ["--sample", question.sample.strip()]
    for name in ("student", "screen"):
        parts += [part for path in files.get(name, ()) for part in (f"--{name}", str(path))]
    return shell_command([*parts, *_DIRECTIONS.get(question.direction, []), "--out", "hits.csv"])


def write_record(
    record: Mapping[str, JsonValue], hits: Path, *, n_rows: int, kept: Mapping[str, JsonValue]
) -> None:
    """Write the provenance beside an exported list; `kept` says which of its rows were exported.

    Raises
    ------
    OutputWriteError
        It cannot be written.
    """
    from napari_tide.discovery.hit_provenance import provenance_path, write_provenance

    if record:
        told = {**record, "exported": {"rows": n_rows, **kept}}
        write_provenance(told, provenance_path(hits))


def refuse_foreign_record(hits: Path) -> None:
    """Leave a file alone that stands where the provenance goes and is none.

    Raises
    ------
    OutputWriteError
        There is such a file.
    """
    from napari_tide.discovery.hit_provenance import provenance_path

    path = provenance_path(hits)
    if not path.exists():
        return
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if not isinstance(known, dict) or not {"query", "null", "n_tested"} <= set(known):
        message = (
            f"{path} is not about hits, and what {hits.name} came from would replace it; export "
            "under another name"
        )
        raise OutputWriteError(message)


def _files_of_run(asked: Asked) -> tuple[Path, ...]:
    """Find the well profiles that runs of the screen with this student left, a file a plate."""
    from napari_tide.inference.site_store import SiteStore

    screen, student = asked.screen, asked.profiles.student
    if screen is None or not student:
        return ()
    stores = (
        SiteStore.of(results_folder(screen), screen, plate=plate, student=student)
        for plate in screen.plate_names
    )
    return tuple(store.wells_path for store in stores if store.wells_path.is_file())
