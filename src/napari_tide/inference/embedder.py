"""Tiles in, embeddings out: a student on a device, in the precision that is faster there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_tide.errors import OutOfMemoryError, StudentValueError
from napari_tide.inference.bf16_encoder import encoder_in_bf16
from napari_tide.students.encoders.encoder import Encoded
from napari_tide.students.student import Student

Precision = Literal["fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
CPU_BATCH_TILES = 16
GPU_BATCH_TILES = (64, 128, 256, 512, 1024)
_PROBE_TILES = 8
_WORTH_IT = 1.2  # bf16 is taken when it is at least this much faster

Tiles = npt.NDArray[np.generic]
Embeddings = npt.NDArray[np.float32]


def choose_device(wanted: str = "auto") -> str:
    """Give the device to use: the one asked for, or the fastest there is.

    Raises
    ------
    StudentValueError
        The one asked for is not there.
    """
    available = ["cpu"]
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    elif torch.backends.mps.is_available():
        available.insert(0, "mps")
    if wanted == "auto":
        return available[0]
    if wanted.split(":", 1)[0] not in available:
        message = f"device {wanted!r} is not there. Available: {available}"
        raise StudentValueError(message)
    return wanted


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """A student ready to embed tiles.

    Parameters
    ----------
    student
        In evaluation mode; its weights do not change any more.
    device
        Where it runs.
    precision
        ``bf16`` runs the encoder's matrix products in bf16; embeddings are always float32.
    batch_tiles
        How many tiles go through the encoder at a time.
    """

    student: Student
    device: str = "cpu"
    precision: Precision = "fp32"
    batch_tiles: int = CPU_BATCH_TILES
    _encoder: nn.Module = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the encoder ready where that pays."""
        is_packed = self.precision == "bf16" and self.device == "cpu"
        encoder = encoder_in_bf16(self.student.encoder) if is_packed else self.student
        object.__setattr__(self, "_encoder", encoder)

    @classmethod
    def fitted(
        cls,
        student: Student,
        *,
        device: str = "auto",
        precision: Precision | Literal["auto"] = "auto",
        batch_tiles: int | None = None,
    ) -> Embedder:
        """Put a student on a device, measuring what is not given."""
        where = choose_device(device)
        student.eval().to(where)
        chosen = _faster_precision(student, where) if precision == "auto" else precision
        embedder = cls(student, where, chosen, batch_tiles or CPU_BATCH_TILES)
        if batch_tiles is None and where.startswith("cuda"):
            return replace(embedder, batch_tiles=_best_gpu_batch(embedder))
        return embedder

    def embed(self, tiles_NCHW: Tiles, channels: Sequence[str] | None = None) -> Embeddings:
        """Embed tiles in batches of fixed boundaries, so that equal input gives equal output."""
        embeddings_ND, _ = self._run(tiles_NCHW, channels, keeps_patches=False)
        return embeddings_ND

    def embed_with_patches(
        self, tiles_NCHW: Tiles, channels: Sequence[str] | None = None
    ) -> tuple[Embeddings, Embeddings]:
        """Embed tiles and keep their patch tokens (tile, patch row, patch column, width)."""
        embeddings_ND, patches_NHWD = self._run(tiles_NCHW, channels, keeps_patches=True)
        assert patches_NHWD is not None
        return embeddings_ND, patches_NHWD

    def encode(self, batch: torch.Tensor, channels: Sequence[str] | None = None) -> Encoded:
        """Encode one batch that is on the device.

        Raises
        ------
        OutOfMemoryError
            The batch is too large for the device.
        """
        kind = self.device.split(":", 1)[0]
        is_mixed = self.precision == "bf16"
        mixed = torch.autocast(kind, torch.bfloat16) if is_mixed else nullcontext()
        try:
            with torch.inference_mode(), mixed:
                encoded: Encoded = self._encoder(batch, channels)
                return encoded
        except (RuntimeError, MemoryError) as error:
            if not _is_out_of_memory(error):
                raise
            message = (
                f"{self.device} ran out of memory on {len(batch)} tiles; lower --batch-size to "
                f"{max(len(batch) // 2, 1)}"
            )
            raise OutOfMemoryError(message) from error

    def _run(
        self, tiles_NCHW: Tiles, channels: Sequence[str] | None, *, keeps_patches: bool
    ) -> tuple[Embeddings, Embeddings | None]:
        pooled, patches = [], []
        for start in range(0, len(tiles_NCHW), self.batch_tiles):
            batch = _to_device(tiles_NCHW[start : start + self.batch_tiles], self.device)
            encoded = self.encode(batch, channels)
            pooled.append(encoded.pooled_BD.float().cpu().numpy())
            if keeps_patches:
                tokens = encoded.patches_BTD.float().cpu().numpy()
                patches.append(tokens.reshape(len(tokens), *encoded.grid_hw, -1))
        embeddings = np.concatenate(pooled)
        return embeddings, np.concatenate(patches) if keeps_patches else None


def _is_out_of_memory(error: BaseException) -> bool:
    # a GPU has its own exception; on a CPU torch's allocator raises a plain RuntimeError
    is_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return is_memory or "can't allocate memory" in str(error)


def _to_device(tiles_NCHW: Tiles, device: str) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(tiles_NCHW)).to(device)
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float()


def _faster_precision(student: Student, device: str) -> Precision:
    tiles = _noise(student, _PROBE_TILES)
    seconds = {
        precision: _seconds_of_pass(Embedder(student, device, precision), tiles)
        for precision in PRECISIONS
    }
    return "bf16" if seconds["fp32"] > _WORTH_IT * seconds["bf16"] else "fp32"


def _best_gpu_batch(embedder: Embedder) -> int:
    """Double the batch while that still brings a tenth more tiles a second."""
    best, best_rate = GPU_BATCH_TILES[0], 0.0
    for size in GPU_BATCH_TILES:
        tiles = _noise(embedder.student, size)
        try:
            rate = size / _seconds_of_pass(embedder, tiles)
        except OutOfMemoryError:
            break
        if rate < 1.1 * best_rate:
            break
        best, best_rate = size, rate
    return best


def _noise(student: Student, n_tiles: int) -> torch.Tensor:
    config = student.config.encoder
    if config.kind == "features":
        return torch.rand(n_tiles, len(config.channels))
    return torch.rand(n_tiles, len(config.channels), config.image_px, config.image_px)


def _seconds_of_pass(embedder: Embedder, tiles: torch.Tensor) -> float:
    batch, taken = tiles.to(embedder.device), []
    for _ in range(3):
        start = time.perf_counter()
        embedder.encode(batch)
        if embedder.device.startswith("cuda"):
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
    return min(taken)
