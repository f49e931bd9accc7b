"""The whole way from 16-bit TIFF to Parquet, against the encoder alone on tensors that are ready.

The peer is timm's own ViT on batches already in memory: nothing read, cut, ordered or written. The
goal is nine tenths of its throughput, so reading and cutting must cost a tenth at most.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import timm
import torch

from napari_tide.inference.embedder import CPU_BATCH_TILES, Embedder, Precision
from napari_tide.inference.plan import make_plan
from napari_tide.inference.profile_screen import profile_screen
from tide_train.bench.plate_of_fields import STAINS, plate_of_fields
from tide_train.bench.speed_row import SpeedRow, compare_speed
from tide_train.bench.untrained_student import untrained_bundle

GOAL = 1 / 0.9
BF16_GOAL = 1 / 2
_TILE_SIZES = (270, 360)
_PEERS = {"small": "vit_small_patch16_224", "tiny": "vit_tiny_patch16_224"}


def time_engine(
    *,
    precision: Precision = "fp32",
    size: str = "small",
    n_sites: int = 24,
    tile_sizes: tuple[int, ...] = _TILE_SIZES,
    n_rounds: int = 3,
) -> list[SpeedRow]:
    """Time `profile_screen` and a bare forward over as many tiles, in turns.

    Parameters
    ----------
    precision
        Of both sides.
    size
        ``small`` (ViT-S/16) or ``tiny``.
    n_sites
        Sites of five 1080 x 1080 planes, written once.
    tile_sizes
        Sides of a tile in the field: 270 px gives 16 tiles a site, 360 px nine.
    """
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screen = plate_of_fields(folder / "plate", n_wells=n_sites, n_sites=1)
        forward = _bare_forward(size, precision)
        for tile_px in tile_sizes:
            bundle = untrained_bundle(folder / f"student{tile_px}", size=size, tile_px=tile_px)
            embedder = Embedder(bundle.student, "cpu", precision, CPU_BATCH_TILES)
            plan = make_plan(screen, bundle, embedder)
            per_chunk = plan.chunks[0].stop - plan.chunks[0].start
            n_tiles = per_chunk * (1080 // tile_px) ** 2
            batches = [torch.rand(n_tiles, len(STAINS), 224, 224) for _ in range(2)]
            n_batches = len(plan.chunks)
            row = compare_speed(
                lambda bundle=bundle, embedder=embedder: profile_screen(  # type: ignore[misc]
                    screen, bundle, folder / "p.parquet", embedder=embedder, overwrite=True
                ),
                lambda batches=batches, n=n_batches: [  # type: ignore[misc]
                    forward(batches[i % len(batches)]) for i in range(n)
                ],
                what=(
                    f"{n_sites} sites of 5 x 1080 x 1080, 16-bit TIFF to Parquet, ViT {size}, "
                    f"{precision}, {n_tiles} tiles a batch"
                ),
                peer_name="timm forward on ready tensors, same batches and precision",
                goal=GOAL,
                n_rounds=n_rounds,
            )
            rows.append(row)
    return rows


def time_bf16(*, size: str = "small", n_rounds: int = 5) -> SpeedRow:
    """Time the student in bf16 and in fp32 on this CPU; `Embedder.fitted` chooses the faster."""
    tiles = torch.rand(CPU_BATCH_TILES, len(STAINS), 224, 224).numpy()
    with tempfile.TemporaryDirectory() as folder:
        student = untrained_bundle(Path(folder) / "student", size=size).student
    sides = {
        precision: Embedder(student, "cpu", precision, CPU_BATCH_TILES)
        for precision in ("bf16", "fp32")
    }
    return compare_speed(
        lambda: sides["bf16"].embed(tiles),
        lambda: sides["fp32"].embed(tiles),
        what=f"{len(tiles)} tiles through ViT {size} in bf16",
        peer_name="the same in fp32",
        goal=BF16_GOAL,
        n_rounds=n_rounds,
    )


def _bare_forward(size: str, precision: Precision) -> Callable[[torch.Tensor], torch.Tensor]:
    encoder = timm.create_model(_PEERS[size], in_chans=len(STAINS), num_classes=0).eval()

    def forward(images_BCHW: torch.Tensor) -> torch.Tensor:
        mixed = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else nullcontext()
        with torch.inference_mode(), mixed:
            tokens_BTD: torch.Tensor = encoder.forward_features(images_BCHW)
            return tokens_BTD.mean(1)

    return forward
