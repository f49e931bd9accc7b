"""From 16-bit TIFFs to tiles, against reading them and one area resize with the best libraries.

Ours does more (illumination, intensity range, tiling, quality flags); the goal is to take at most
1.3 times the peer's time. The peer decodes with the faster of tifffile and imagecodecs and resizes
with OpenCV's ``INTER_AREA``, plane by plane on as many threads as ours.
"""

from __future__ import annotations

import tempfile
import timeit
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage

from napari_tide.errors import MissingExtraError
from napari_tide.imaging.illumination import IlluminationFunction
from napari_tide.imaging.intensity import field_ranges
from napari_tide.imaging.planes import read_plane
from napari_tide.imaging.prepared_field import FieldFiles, FieldPreparation, prepare_field
from napari_tide.imaging.reading_threads import n_usable_cores
from napari_tide.plane_address import PlaneAddress
from tide_train.bench.speed_row import SpeedRow, compare_speed

Plane = npt.NDArray[np.generic]

GOAL = 1.3
_SIDE_PX = 1080
_OUTPUT_PX = 224
_TILE_SIZES = (270, 360)


def time_field_to_tiles(
    planes: Sequence[Path] | None = None, *, n_rounds: int = 15
) -> list[SpeedRow]:
    """Time both sides on one field, for tiles of 270 and of 360 px.

    Parameters
    ----------
    planes
        TIFF files of one field; by default five LZW planes of simulated cells are written.
    n_rounds
        How often each side runs, in turns.

    Raises
    ------
    MissingExtraError
        OpenCV, the peer, is not installed.
    """
    cv2 = _opencv()
    if planes is not None:
        return _time_files(planes, n_rounds, cv2)
    with tempfile.TemporaryDirectory() as folder:
        return _time_files(write_cell_like_planes(Path(folder)), n_rounds, cv2)


def write_cell_like_planes(folder: Path, *, n_channels: int = 5, seed: int = 0) -> list[Path]:
    """Write LZW TIFFs of one strip, as a Phenix does, that compress as real planes do."""
    random = np.random.default_rng(seed)
    paths = []
    for channel in range(n_channels):
        centres = np.zeros((_SIDE_PX, _SIDE_PX), np.float32)
        centres[tuple(random.integers(0, _SIDE_PX, (2, 150)))] = 1
        cells = ndimage.gaussian_filter(centres, 8 + 2 * channel, mode="wrap")
        light = 120 + 6000 * cells / cells.max()
        counts = random.poisson(light) + random.normal(0, 5, light.shape)
        path = folder / f"r01c01f01p01-ch{channel + 1}sk1fk1fl1.tiff"
        pixels = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
        tifffile.imwrite(path, pixels, compression="lzw", rowsperstrip=_SIDE_PX)
        paths.append(path)
    return paths


def _time_files(paths: Sequence[Path], n_rounds: int, cv2: ModuleType) -> list[SpeedRow]:
    names = [f"channel {number}" for number in range(1, len(paths) + 1)]
    addresses = {name: PlaneAddress(path) for name, path in zip(names, paths, strict=True)}
    files = FieldFiles("field", addresses)
    decoder = _fastest_decoder(paths[0])
    threads_before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # planes already run side by side, as ours do
    try:
        with ThreadPoolExecutor(n_usable_cores()) as pool:
            return [
                _compare(files, _preparation(files, tile_px), _Peer(decoder, cv2, pool), n_rounds)
                for tile_px in _TILE_SIZES
            ]
    finally:
        cv2.setNumThreads(threads_before)


@dataclass(frozen=True, slots=True)
class _Peer:
    decoder: tuple[str, Callable[[Path], Plane]]
    cv2: ModuleType
    pool: ThreadPoolExecutor

    def run(self, paths: Sequence[Path], resized: tuple[int, int]) -> list[object]:
        """Read and resize every plane; `resized` is (width, height) as OpenCV has it."""
        _, decode = self.decoder

        def read_and_resize(path: Path) -> object:
            return self.cv2.resize(decode(path), resized, interpolation=self.cv2.INTER_AREA)

        return list(self.pool.map(read_and_resize, paths))


def _compare(
    files: FieldFiles, preparation: FieldPreparation, peer: _Peer, n_rounds: int
) -> SpeedRow:
    paths = [address.path for address in files.planes.values()]
    grid = prepare_field(files, preparation).grid
    resized = (grid.n_columns * grid.output_px, grid.n_rows * grid.output_px)
    height, width = grid.field_shape
    return compare_speed(
        lambda: prepare_field(files, preparation),
        lambda: peer.run(paths, resized),
        what=(
            f"{len(paths)} planes of {height} x {width} from TIFF to {grid.n_tiles} tiles of "
            f"{grid.output_px} px, with illumination, intensity range and quality flags"
        ),
        peer_name=f"{peer.decoder[0]} + cv2.resize INTER_AREA, same threads",
        goal=GOAL,
        n_rounds=n_rounds,
    )


def _preparation(files: FieldFiles, tile_px: int) -> FieldPreparation:
    names = tuple(files.planes)
    field = np.stack([read_plane(address) for address in files.planes.values()])
    vignette = _vignette(field.shape[1], field.shape[2])
    corrected = field.astype(np.float32) / vignette.evaluate((field.shape[1], field.shape[2]))
    return FieldPreparation(
        channels=names,
        ranges=field_ranges([corrected], names),
        tile_px=tile_px,
        output_px=_OUTPUT_PX,
        illumination=dict.fromkeys(names, vignette),
    )


def _vignette(height: int, width: int) -> IlluminationFunction:
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    return IlluminationFunction("a vignette", (1.2 - 0.3 * (x**2 + y**2)).astype(np.float32))


def _fastest_decoder(path: Path) -> tuple[str, Callable[[Path], Plane]]:
    decoders: dict[str, Callable[[Path], Plane]] = {
        "tifffile": tifffile.imread,
        "imagecodecs": lambda path: imagecodecs.tiff_decode(path.read_bytes()),
    }

    def best_of_three(name: str) -> float:
        return min(timeit.repeat(lambda: decoders[name](path), number=1, repeat=3))

    fastest = min(decoders, key=best_of_three)
    return fastest, decoders[fastest]


def _opencv() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        message = (
            "the comparison of tiles needs OpenCV, which is not installed; "
            "install it with: pip install opencv-python-headless"
        )
        raise MissingExtraError(message) from error
    module: ModuleType = cv2
    return module
