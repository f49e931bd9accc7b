"""From a screen to a pack: resumable, cancellable, and finished only when ``pack.json`` is there.

Sites are written in the screen's order, so the bytes depend on the screen and the settings alone,
never on the number of reading threads or on where an earlier run was stopped.
"""

# N tile, C channel, H and W of a tile

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_tide.errors import ImagingValueError, OutputExistsError, TideError, TrainValueError
from napari_tide.imaging.intensity import PAPER_PERCENTILES, IntensityRange, IntensityRanges
from napari_tide.imaging.intensity_estimate import estimate_ranges
from napari_tide.imaging.planes import plane_shape
from napari_tide.imaging.prepared_field import (
    FailedField,
    FieldFiles,
    FieldPreparation,
    PreparedField,
    iterate_fields,
)
from napari_tide.imaging.reading_threads import n_usable_cores
from napari_tide.imaging.tile_grid import EdgePolicy, TileGrid
from napari_tide.inference.journal import ChunkRecord, Journal
from napari_tide.inference.profile_screen import SkippedSite
from napari_tide.inference.screen_fields import fields_of
from napari_tide.screens.screen import Screen
from tide_train.data.pack_config import StoredType
from tide_train.data.pack_files import (
    Facts,
    PackedSites,
    finish_pack,
    prepare_folder,
    require_readable_site,
    require_tiles,
)
from tide_train.data.tile_pack import CONFIG, JOURNAL
from tide_train.data.tile_shards import TILES_PER_SHARD, ShardLayout, ShardWriter, StoredTiles

_NOTHING = np.zeros((0, 0), np.float32)
_FEWEST_FIELDS_AHEAD = 3
_FIELDS_TRIED = 16


@dataclass(frozen=True, slots=True)
class PackSettings:
    """How a screen becomes tiles; `tide profile` prepares pixels by the same code.

    Parameters
    ----------
    tile_size_px, stride_px, edge
        The grid over a field, as in `TileGrid`.
    image_px
        Side of a tile as stored.
    dtype
        ``uint8``, or ``uint16`` where 256 grey values are too few.
    channels
        Stains to keep, in this order; all of the screen's by default.
    intensity
        Grey values that become 0 and 1, by stain; percentiles of the screen by default.
    percentiles
        Which percentiles those are.
    tiles_per_shard
        How many tiles a file holds.
    """

    tile_size_px: int = 224
    image_px: int = 224
    stride_px: int | None = None
    edge: EdgePolicy = "shift"
    dtype: StoredType = "uint8"
    channels: tuple[str, ...] | None = None
    intensity: Mapping[str, IntensityRange] | None = None
    percentiles: tuple[float, float] = PAPER_PERCENTILES
    tiles_per_shard: int = TILES_PER_SHARD

    def __post_init__(self) -> None:
        """Refuse what cannot be stored."""
        if self.dtype not in ("uint8", "uint16"):
            message = f"tiles cannot be stored as {self.dtype!r}. Available: uint8, uint16"
            raise TrainValueError(message)
        if min(self.tile_size_px, self.image_px, self.tiles_per_shard) < 1:
            message = (
                f"tiles of {self.tile_size_px} px, stored as {self.image_px} px, "
                f"{self.tiles_per_shard} a file; expected whole numbers from 1"
            )
            raise TrainValueError(message)
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            message = f"percentiles {low} and {high} are no range; expected 0 <= low < high <= 100"
            raise TrainValueError(message)


@dataclass(frozen=True, slots=True)
class PackRun:
    """What came of a run."""

    out: Path
    n_sites: int
    n_resumed: int
    n_done: int
    n_tiles: int
    skipped: tuple[SkippedSite, ...]
    is_complete: bool


def write_pack(
    screen: Screen,
    out: Path,
    *,
    settings: PackSettings | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    is_cancelled: Callable[[], bool] = bool,
) -> PackRun:
    """Cut every site of a screen into tiles and store them.

    Running the same call again after a stop goes on from there. Sites that cannot be read are
    listed in ``skipped.csv`` and the rest goes on.

    Parameters
    ----------
    progress
        Called with sites done and sites in all: once before the first, then after every site.
    is_cancelled
        Asked between sites; once it is true the run stops, and can go on later.

    Raises
    ------
    OutputExistsError
        `out` holds a finished pack, a pack of another screen or setting, or other files.
    OutputWriteError
        The disk is full.
    ScreenValueError, ImagingValueError
        No site can be read, or a channel wanted is not there.
    """
    chosen = settings or PackSettings()
    if chosen.channels is not None:
        screen = screen.select(chosen.channels)
    fields = fields_of(screen)
    _require_fitting_grid(fields, chosen)
    prepare_folder(out, overwrite=overwrite)
    with Journal(out / JOURNAL) as journal:
        _refuse_finished(out)
        ranges = _begin(journal, screen, fields, chosen)
        done = [journal.read(row).facts for row in range(_n_done(journal))]
        sites = PackedSites(screen, done)
        layout = _layout(out, screen, chosen)
        require_tiles(layout, sites.n_tiles)
        n_resumed = len(done)
        with ShardWriter(layout, sites.n_tiles) as writer:
            _show(progress, sites)
            preparation = _preparation(screen, ranges, chosen)
            for field in _prepared(fields[n_resumed:], preparation, is_cancelled):
                _store(field, sites, writer, journal)
                _show(progress, sites)
            if sites.is_complete and sites.n_tiles:
                finish_pack(sites, writer, _facts_of_all(screen, ranges, chosen))
    if sites.is_complete:
        journal.path.unlink()
        require_readable_site(sites)
    skipped = sites.skipped
    return PackRun(
        out, screen.n_sites, n_resumed, len(done), sites.n_tiles, skipped, sites.is_complete
    )


def _prepared(
    fields: Sequence[FieldFiles], preparation: FieldPreparation, is_cancelled: Callable[[], bool]
) -> Iterator[PreparedField | FailedField]:
    ahead = max(n_usable_cores(), _FEWEST_FIELDS_AHEAD)
    prepared = iterate_fields(fields, preparation, read_ahead=ahead, is_cancelled=is_cancelled)
    with closing(prepared):  # type: ignore[type-var]
        yield from prepared


def _require_fitting_grid(fields: Sequence[FieldFiles], settings: PackSettings) -> None:
    """Refuse tiles that fit no field, before anything is written; a few fields are looked at."""
    refusal: ImagingValueError | None = None
    for files in fields[:: max(len(fields) // _FIELDS_TRIED, 1)]:
        try:
            shape = plane_shape(next(iter(files.planes.values())))
            TileGrid(shape, settings.tile_size_px, settings.stride_px, settings.edge)
        except ImagingValueError as error:
            refusal = refusal or error
        except (TideError, StopIteration):
            continue  # a field that cannot be read is told when its turn comes
        else:
            return
    if refusal is not None:
        raise refusal


def _refuse_finished(out: Path) -> None:
    if (out / CONFIG).exists():  # another run finished it before this one took the lock
        message = f"{out} is packed already; choose another name, or replace it: --overwrite"
        raise OutputExistsError(message)


def _begin(
    journal: Journal, screen: Screen, fields: list[FieldFiles], settings: PackSettings
) -> IntensityRanges:
    """Give the intensity ranges: the user's, an earlier run's, or the screen's percentiles."""
    identity = _identity(screen, fields, settings)
    if journal.plan is None:
        ranges = _ranges(screen, fields, settings)
        journal.begin({"identity": identity, "ranges": ranges.to_json()})
        return ranges
    if journal.plan.get("identity") != identity:
        message = (
            f"{journal.path.parent} holds an unfinished pack of another screen or setting; finish "
            f"that one, delete the folder, or choose another name than {journal.path.parent.name}"
        )
        raise OutputExistsError(message)
    begun = journal.plan["ranges"]
    assert isinstance(begun, dict)
    return IntensityRanges.from_json(begun)


def _identity(screen: Screen, fields: list[FieldFiles], settings: PackSettings) -> str:
    intensity = settings.intensity
    wanted = {
        "fields": [
            [
                files.name,
                *map(str, files.planes.values()),
                *map(str, files.illumination.values()),
            ]
            for files in fields
        ],
        "channels": screen.channel_names,
        "grid": [settings.tile_size_px, settings.stride_px, settings.edge, settings.image_px],
        "stored": [settings.dtype, settings.tiles_per_shard],
        "percentiles": settings.percentiles,
        "intensity": None if intensity is None else IntensityRanges(intensity).to_json(),
    }
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()


def _ranges(screen: Screen, fields: list[FieldFiles], settings: PackSettings) -> IntensityRanges:
    names = screen.channel_names
    if settings.intensity is None:
        return estimate_ranges(fields, channels=names, percentiles=settings.percentiles)
    given = IntensityRanges(settings.intensity)
    return IntensityRanges(dict(zip(names, given.of(names), strict=True)))


def _preparation(
    screen: Screen, ranges: IntensityRanges, settings: PackSettings
) -> FieldPreparation:
    return FieldPreparation(
        channels=tuple(screen.channel_names),
        ranges=ranges,
        tile_px=settings.tile_size_px,
        stride_px=settings.stride_px,
        edge=settings.edge,
        output_px=settings.image_px,
        tile_type="uint8" if settings.dtype == "uint8" else "float32",
    )


def _layout(out: Path, screen: Screen, settings: PackSettings) -> ShardLayout:
    shape = (len(screen.channels), settings.image_px, settings.image_px)
    return ShardLayout(out, shape, np.dtype(settings.dtype), settings.tiles_per_shard)


def _facts_of_all(
    screen: Screen, ranges: IntensityRanges, settings: PackSettings
) -> dict[str, object]:
    return {
        "screen": _name_of(Path(screen.source)),
        "channels": tuple(screen.channel_names),
        "dtype": settings.dtype,
        "tile_px": settings.tile_size_px,
        "stride_px": settings.stride_px,
        "edge": settings.edge,
        "image_px": settings.image_px,
        "intensity": ranges.to_json(),
        "intensity_percentiles": settings.percentiles,
        "pixel_size_um": screen.pixel_size_um,
        "tiles_per_shard": settings.tiles_per_shard,
    }


def _name_of(source: Path) -> str:
    """Name a source by its last parts, since ``screen.parquet`` alone says little."""
    return f"{source.parent.name}/{source.name}" if source.suffix else source.name


def _n_done(journal: Journal) -> int:
    """Count the sites of earlier runs; they are written in order, so they are the first ones."""
    assert journal.finished == set(range(len(journal.finished)))
    return len(journal.finished)


def _store(
    field: PreparedField | FailedField, sites: PackedSites, writer: ShardWriter, journal: Journal
) -> None:
    facts: Facts
    if isinstance(field, FailedField):
        facts = {"error": str(field.error)}
    else:
        tiles_NCHW = _as_stored(field, writer.layout)
        writer.append(tiles_NCHW)
        facts = {
            "rows": field.grid.n_rows,
            "columns": field.grid.n_columns,
            "flags": list(field.quality.names),
            "sha256": hashlib.sha256(tiles_NCHW.tobytes()).hexdigest(),
        }
    # behind the tiles: a kill in between costs this site, never a hole
    journal.append(ChunkRecord(len(sites.facts), facts, _NOTHING))
    sites.facts.append(facts)


def _as_stored(field: PreparedField, layout: ShardLayout) -> StoredTiles:
    if field.tiles.dtype == np.uint8:
        return field.tiles.astype(np.uint8, copy=False)
    scaled = field.tiles * np.float32(np.iinfo(layout.dtype).max)
    return np.rint(scaled, out=scaled).astype(np.uint16)


def _show(progress: Callable[[int, int], None] | None, sites: PackedSites) -> None:
    if progress is not None:
        progress(len(sites.facts), sites.screen.n_sites)
