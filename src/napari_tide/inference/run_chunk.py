"""One chunk of a plan: read its sites, cut tiles, embed them, and say what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from napari_tide.imaging.prepared_field import FailedField, PreparedField, iterate_fields
from napari_tide.inference.embedder import Embedder
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.plan import Chunk, ProfilePlan


def run_chunks(
    plan: ProfilePlan,
    chunks: Sequence[Chunk],
    embedder: Embedder,
    *,
    is_cancelled: Callable[[], bool] = bool,
) -> Iterator[ChunkRecord]:
    """Work through chunks in order, reading ahead of the encoder.

    Stops between batches when `is_cancelled` turns true; chunks already given stay valid.
    """
    wanted = [files for chunk in chunks for files in plan.fields_in(chunk)]
    ahead = max(chunk.stop - chunk.start for chunk in chunks) + 2 if chunks else 1
    prepared = iterate_fields(wanted, plan.preparation, read_ahead=ahead, is_cancelled=is_cancelled)
    for chunk in chunks:
        fields = []
        for _ in range(chunk.stop - chunk.start):
            field = next(prepared, None)
            if field is None or is_cancelled():
                return
            fields.append(field)
        yield _embed(chunk, fields, embedder, plan.preparation.channels)


def _embed(
    chunk: Chunk,
    fields: Sequence[PreparedField | FailedField],
    embedder: Embedder,
    channels: Sequence[str],
) -> ChunkRecord:
    readable = [field for field in fields if isinstance(field, PreparedField)]
    if readable:
        tiles = np.concatenate([field.tiles for field in readable])
        embeddings = embedder.embed(tiles, channels)
    else:
        embeddings = np.zeros((0, 0), np.float32)
    return ChunkRecord(chunk.number, {"sites": [_facts(field) for field in fields]}, embeddings)


def _facts(field: PreparedField | FailedField) -> dict[str, object]:
    if isinstance(field, FailedField):
        return {"error": str(field.error)}
    return {
        "rows": field.grid.n_rows,
        "columns": field.grid.n_columns,
        "flags": list(field.quality.names),
    }
