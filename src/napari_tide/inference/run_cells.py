"""One site at a time for cell profiles: read it, find its nuclei, embed a crop around each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_tide.errors import TideError
from napari_tide.imaging.field import read_field
from napari_tide.imaging.illumination import load_illumination
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation
from napari_tide.imaging.quality import judge_field
from napari_tide.inference.cells import CellCutting, embed_cells
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.nuclei import Labels, segment_nuclei
from napari_tide.inference.plan import Chunk, ProfilePlan


@dataclass(frozen=True, slots=True, eq=False)
class FoundCells:
    """A field after illumination correction, its nuclei, and its quality flags."""

    field_CHW: npt.NDArray[np.generic]
    labels: Labels
    flags: tuple[str, ...]


def run_cells(
    plan: ProfilePlan,
    chunks: Sequence[Chunk],
    embedder: Embedder,
    *,
    is_cancelled: Callable[[], bool] = bool,
) -> Iterator[ChunkRecord]:
    """Work through chunks of one site each, finding the next site's cells meanwhile."""
    assert plan.cells is not None
    with ThreadPoolExecutor(1, thread_name_prefix="tide-cells") as ahead:
        wanted = [plan.fields[chunk.start] for chunk in chunks]
        waiting = [ahead.submit(_find_or_say, files, plan) for files in wanted[:2]]
        for position, chunk in enumerate(chunks):
            found = waiting.pop(0).result()
            if is_cancelled():
                for unfinished in waiting:
                    unfinished.cancel()
                return
            if position + 2 < len(wanted):
                waiting.append(ahead.submit(_find_or_say, wanted[position + 2], plan))
            yield _embed(chunk, found, embedder, plan)


def _find_or_say(files: FieldFiles, plan: ProfilePlan) -> FoundCells | TideError:
    assert plan.cells is not None
    try:
        return find_cells(files, plan.preparation, plan.cells)
    except TideError as error:
        return error


def find_cells(
    files: FieldFiles,
    preparation: FieldPreparation,
    cells: CellCutting,
    *,
    labels: npt.NDArray[np.integer] | None = None,
) -> FoundCells:
    """Read a field and find its nuclei, unless `labels` say where they are.

    Raises
    ------
    TideError
        A plane or an illumination function cannot be read.
    """
    names = list(preparation.channels)
    is_read = labels is not None or cells.nuclei_channel in names
    read_too = [] if is_read else [cells.nuclei_channel]
    field = read_field(files.planes, channels=[*names, *read_too])
    quality = judge_field(dict(zip(names, field, strict=False)))
    corrected = field.astype(np.float32)
    height, width = field.shape[1:]
    for plane, name in zip(corrected, [*names, *read_too], strict=True):
        function = preparation.illumination.get(name)
        if name in files.illumination:
            function = load_illumination(files.illumination[name])
        if function is not None:
            plane /= function.evaluate((height, width))  # noqa: PLW2901 - a view of the field
    if labels is None:
        nuclei = corrected[[*names, *read_too].index(cells.nuclei_channel)]
        labels = segment_nuclei(nuclei, pixel_size_um=cells.pixel_size_um)
    return FoundCells(corrected[: len(names)], labels.astype(np.int32), quality.names)


def _embed(
    chunk: Chunk, found: FoundCells | TideError, embedder: Embedder, plan: ProfilePlan
) -> ChunkRecord:
    none = np.zeros((0, 0), np.float32)
    if isinstance(found, TideError):
        return ChunkRecord(chunk.number, {"sites": [{"error": str(found)}]}, none)
    if not found.labels.any():
        name = plan.fields[chunk.start].name
        message = f"no nucleus was found in {name}; look at it, and leave the site out if it is bad"
        return ChunkRecord(chunk.number, {"sites": [{"error": message}]}, none)
    assert plan.cells is not None
    channels = plan.preparation.channels
    cells = embed_cells(
        found.field_CHW,
        found.labels,
        embedder,
        ranges=plan.preparation.ranges.of(channels),
        channels=channels,
        crop_px=plan.cells.crop_px,
    )
    facts = {
        "labels": cells.labels.tolist(),
        "centres": np.round(cells.centres_yx, 2).tolist(),
        "flags": list(found.flags),
    }
    return ChunkRecord(chunk.number, {"sites": [facts]}, cells.embeddings_ND)
