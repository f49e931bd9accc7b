"""One chunk of a plan: read its sites, cut tiles, embed them, and say what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import numpy as np

from napari_tide.imaging.prepared_field import FailedField, PreparedField, iterate_fields
from napari_tide.inference.embedder import Embedder, Embeddings
from napari_tide.inference.journal import ChunkRecord
from napari_tide.inference.plan import Chunk, ProfilePlan
from napari_tide.inference.run_cells import run_cells

NOT_FINITE = "not finite"  # quality flag of a site with an embedding that is no number


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
    if plan.cells is not None:
        yield from run_cells(plan, chunks, embedder, is_cancelled=is_cancelled)
        return
    wanted = [files for chunk in chunks for files in plan.fields_in(chunk)]
    ahead = max(chunk.stop - chunk.start for chunk in chunks) + 2 if chunks else 1
    fields = iterate_fields(wanted, plan.preparation, read_ahead=ahead, is_cancelled=is_cancelled)
    with closing(fields) as prepared:  # type: ignore[type-var]
        for chunk in chunks:
            here = []
            for _ in range(chunk.stop - chunk.start):
                field = next(prepared, None)
                if field is None or is_cancelled():
                    return
                here.append(field)
            yield _embed(chunk, here, embedder, plan.preparation.channels)


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
    sites, first = [], 0
    for field in fields:
        n_tiles = 0 if isinstance(field, FailedField) else field.grid.n_tiles
        sites.append(_facts(field, embeddings[first : first + n_tiles]))
        first += n_tiles
    return ChunkRecord(chunk.number, {"sites": sites}, embeddings)


def _facts(field: PreparedField | FailedField, embeddings_ND: Embeddings) -> dict[str, object]:
    if isinstance(field, FailedField):
        return {"error": str(field.error)}
    flags = list(field.quality.names)
    if not np.isfinite(embeddings_ND).all():
        flags.append(NOT_FINITE)
    shape = list(field.grid.field_shape)
    rows, columns = field.grid.n_rows, field.grid.n_columns
    return {"rows": rows, "columns": columns, "shape": shape, "flags": flags}
