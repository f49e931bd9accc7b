"""From a field's files to its tiles and quality flags: the one call the engine makes.

Every plane is one job (read, judge, cut) in the process's plane threads; fields ahead of the one
being used keep the threads busy, and a field that cannot be read becomes a `FailedField` while the
rest of the plate goes on.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from napari_tide.errors import TideError
from napari_tide.imaging.field import channel_addresses, require_equal_shapes
from napari_tide.imaging.illumination import IlluminationFunction, load_illumination
from napari_tide.imaging.intensity import IntensityRanges
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.quality import PlaneQuality, QualityFlags, judge_plane
from napari_tide.imaging.reading_threads import reading_threads
from napari_tide.imaging.tile_grid import EdgePolicy, TileGrid
from napari_tide.imaging.tiles import TileCutter, Tiles, TileType
from napari_tide.plane_address import PlaneAddress

_KEPT_CUTTERS = 4
_KEPT_FUNCTIONS = 32


@dataclass(frozen=True, slots=True)
class FieldFiles:
    """A field to prepare: its name, its planes, and illumination functions of its own, if any."""

    name: str
    planes: Mapping[str, PlaneAddress]
    illumination: Mapping[str, PlaneAddress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedField:
    """A field as tiles (tile, channel, height, width), where they lie, and its quality."""

    name: str
    tiles: Tiles
    grid: TileGrid
    quality: QualityFlags


@dataclass(frozen=True, slots=True)
class FailedField:
    """A field that could not be prepared, and the one sentence why."""

    name: str
    error: TideError


@dataclass(frozen=True, slots=True, eq=False)
class FieldPreparation:
    """How the fields of a screen become tiles.

    Parameters
    ----------
    channels
        The stains, in the encoder's order.
    ranges
        Grey values that become 0 and 1, by stain.
    tile_px, stride_px, edge, output_px
        The grid, as in `TileGrid`; it is laid over each field size met.
    illumination
        Illumination functions by stain, for fields whose files name none.
    tile_type
        Numbers in [0, 1] or bytes.
    """

    channels: tuple[str, ...]
    ranges: IntensityRanges
    tile_px: int
    stride_px: int | None = None
    edge: EdgePolicy = "shift"
    output_px: int = 224
    illumination: Mapping[str, IlluminationFunction] = field(default_factory=dict)
    tile_type: TileType = "float32"
    _cutters: dict[object, TileCutter] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def cutter(
        self, shape: tuple[int, int], own_illumination: Mapping[str, PlaneAddress]
    ) -> TileCutter:
        """Give the cutter for planes of a shape, made once and shared by the plate's fields."""
        wanted = tuple(own_illumination.get(name) for name in self.channels)
        with self._lock:
            if (shape, wanted) not in self._cutters:
                while len(self._cutters) >= _KEPT_CUTTERS:
                    self._cutters.pop(next(iter(self._cutters)))
                self._cutters[shape, wanted] = self._make_cutter(shape, wanted)
            return self._cutters[shape, wanted]

    def _make_cutter(
        self, shape: tuple[int, int], wanted: tuple[PlaneAddress | None, ...]
    ) -> TileCutter:
        functions = [
            _loaded(address) if address else self.illumination.get(name)
            for name, address in zip(self.channels, wanted, strict=True)
        ]
        grid = TileGrid(shape, self.tile_px, self.stride_px, self.edge, self.output_px)
        return TileCutter.for_grid(
            grid,
            self.ranges.of(self.channels),
            illumination=functions,
            tile_type=self.tile_type,
        )


def prepare_field(files: FieldFiles, preparation: FieldPreparation) -> PreparedField:
    """Read, judge and cut one field.

    Raises
    ------
    PlaneMissingError, PlaneFormatError
        A plane is absent, unreadable or of another shape than the others.
    IlluminationFormatError, ImagingValueError
        The field's illumination function or size does not suit the preparation.
    """
    return _FieldInProgress(files, preparation).result()


def iterate_fields(
    fields: Iterable[FieldFiles],
    preparation: FieldPreparation,
    *,
    read_ahead: int = 3,
    is_cancelled: Callable[[], bool] = bool,
) -> Iterator[PreparedField | FailedField]:
    """Prepare fields in their order, reading `read_ahead` of them ahead.

    No more than `read_ahead` + 1 fields are in memory. Closing the iterator, or `is_cancelled`
    turning true, drops what has not begun; nothing is left waiting.
    """
    waiting: deque[_FieldInProgress] = deque()
    try:
        for files in fields:
            if is_cancelled():
                return
            waiting.append(_FieldInProgress(files, preparation))
            if len(waiting) > read_ahead:
                yield waiting.popleft().outcome()
        while waiting and not is_cancelled():
            yield waiting.popleft().outcome()
    finally:
        for unfinished in waiting:
            unfinished.cancel()


class _FieldInProgress:
    """A field whose planes are on their way; the first plane to arrive decides the grid."""

    def __init__(self, files: FieldFiles, preparation: FieldPreparation) -> None:
        self._files, self._preparation = files, preparation
        self._lock = threading.Lock()
        self._cutter: TileCutter | None = None
        self._tiles_NCHW: Tiles | None = None
        self._jobs: list[Future[tuple[tuple[int, int], PlaneQuality]]] = []
        self._refusal: TideError | None = None
        try:
            self._addresses = channel_addresses(files.planes, preparation.channels)
        except TideError as error:
            self._refusal = error
            return
        submit = reading_threads().submit
        self._jobs = [
            submit(self._prepare_plane, index, address)
            for index, address in enumerate(self._addresses)
        ]

    def result(self) -> PreparedField:
        """Wait for all planes, so that no thread still writes into the tiles."""
        if self._refusal is not None:
            raise self._refusal
        errors = [job.exception() for job in self._jobs]
        for error in errors:
            if error is not None:
                raise error
        judged = [job.result() for job in self._jobs]
        require_equal_shapes([shape for shape, _ in judged], self._addresses)
        assert self._cutter is not None
        assert self._tiles_NCHW is not None
        quality = zip(self._preparation.channels, (found for _, found in judged), strict=True)
        return PreparedField(
            self._files.name, self._tiles_NCHW, self._cutter.grid, QualityFlags(dict(quality))
        )

    def outcome(self) -> PreparedField | FailedField:
        try:
            return self.result()
        except TideError as error:
            return FailedField(self._files.name, error)

    def cancel(self) -> None:
        for job in self._jobs:
            job.cancel()

    def _prepare_plane(
        self, index: int, address: PlaneAddress
    ) -> tuple[tuple[int, int], PlaneQuality]:
        plane = read_plane(address)
        height, width = plane.shape
        cutter, tiles_NCHW = self._target((height, width))
        if plane.shape == cutter.grid.field_shape:  # other shapes are refused in `result`
            cutter.cut_plane(plane, index, tiles_NCHW=tiles_NCHW)
        return (height, width), judge_plane(plane)

    def _target(self, shape: tuple[int, int]) -> tuple[TileCutter, Tiles]:
        with self._lock:
            if self._cutter is None or self._tiles_NCHW is None:
                self._cutter = self._preparation.cutter(shape, self._files.illumination)
                self._tiles_NCHW = self._cutter.empty_tiles()
            return self._cutter, self._tiles_NCHW


@functools.lru_cache(maxsize=_KEPT_FUNCTIONS)
def _loaded(address: PlaneAddress) -> IlluminationFunction:
    return load_illumination(address)
