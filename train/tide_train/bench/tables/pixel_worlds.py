"""Worlds in pixels: a simulated screen rendered straight into a pack of tiles.

The wells that methods train on come first in the pack, so that what they may see is its first part.
Beside it lie the tables that worlds of features have too; the features of a well are its intensity
statistics, the baseline that an encoder must beat.

Shapes: N sites, C channels, H x W pixels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch.nn import functional

from napari_tide.imaging.intensity import PAPER_PERCENTILES, IntensityHistogram, IntensityRange
from napari_tide.profiles.aggregate import aggregate_to_level
from napari_tide.profiles.metadata_columns import metadata_to_arrow
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.site_metadata import metadata_of_sites
from napari_tide.profiles.store import write_profiles
from napari_tide.simulate import screen_files
from napari_tide.simulate.images import choose_device, rendered_sites
from napari_tide.simulate.simulate_screen import CHANNELS, describe_simulation, save_tables
from napari_tide.simulate.simulation import Simulation, SimulationSettings, simulate
from tide_train.data.pack_config import PackConfig
from tide_train.data.pack_loader import to_unit_range
from tide_train.data.stored_fingerprints import MOLECULES, StoredFingerprints
from tide_train.data.tile_pack import CONFIG, METADATA, TilePack, layout_of
from tide_train.data.tile_shards import ShardWriter

PACK = "pack"
STATISTICS = ("mean", "sd")
_SITES_FOR_RANGES = 128
_SITES_AT_ONCE = 64
_PER_SHARD = 512

Images = npt.NDArray[np.uint16]
Tiles = npt.NDArray[np.uint8]
Table = npt.NDArray[np.float32]


def write_pixel_world(path: Path, settings: SimulationSettings, *, tile_px: int) -> None:
    """Render a world into a folder; ``world.json`` is written last.

    Raises
    ------
    TideError
        It cannot be simulated or written.
    """
    simulation = simulate(settings)
    path.mkdir(parents=True, exist_ok=True)
    checksums = save_tables(path, simulation, settings)
    simulation, n_training = _training_first(simulation)
    metadata = _metadata(simulation)
    statistics_NF = _write_pack(
        path / PACK, simulation, settings, metadata, n_training=n_training, tile_px=tile_px
    )
    names = tuple(f"Intensity_{stain}_{what}" for what in STATISTICS for stain in CHANNELS)
    sites = Profiles(metadata, statistics_NF, names, "site", student="tide simulate")
    write_profiles(aggregate_to_level(sites, "well"), path / "features.parquet")
    described = describe_simulation(simulation, settings, checksums)
    described["n_training_tiles"] = n_training
    screen_files.save_text(json.dumps(described, indent=2) + "\n", path / "world.json")


def training_part(pack: TilePack, n_training: int) -> TilePack:
    """Give the part of a world's pack that methods may see."""
    config = pack.config.model_copy(update={"n_tiles": n_training})
    return replace(pack, config=config, metadata=pack.metadata.iloc[:n_training])


def _training_first(simulation: Simulation) -> tuple[Simulation, int]:
    """Put the wells of training drugs first: no DMSO, no knock-out, no held-out drug."""
    world, sites = simulation.world, simulation.sites
    held_out = {
        compound.name
        for compound, is_held_out in zip(world.compounds, world.is_held_out_D, strict=True)
        if is_held_out
    }
    is_drug = (sites["perturbation_type"] == "compound") & (sites["control"] != "negcon")
    is_training = (is_drug & ~sites["compound"].isin(held_out)).to_numpy()
    order = np.argsort(~is_training, kind="stable")
    ordered = replace(
        simulation,
        sites=sites.iloc[order].reset_index(drop=True),
        morphology_SM=simulation.morphology_SM[order],
    )
    return ordered, int(is_training.sum())


def _metadata(simulation: Simulation) -> pd.DataFrame:
    whole = {"Metadata_Tile_Row": 0, "Metadata_Tile_Col": 0}
    metadata = metadata_of_sites(simulation.sites, whole)
    # what is corrected and scaled together is a plate
    return metadata.assign(Metadata_Batch=metadata["Metadata_Plate"])


def _write_pack(
    out: Path,
    simulation: Simulation,
    settings: SimulationSettings,
    metadata: pd.DataFrame,
    *,
    n_training: int,
    tile_px: int,
) -> Table:
    """Render into a pack, and give every tile's intensity statistics."""
    out.mkdir(exist_ok=True)
    ranges = _ranges(simulation, settings, n_training)
    config = _config(settings, ranges, n_tiles=len(metadata), tile_px=tile_px)
    # filled in place: small arrays kept among large ones would keep the large ones' memory
    statistics_NF = np.empty((len(metadata), len(STATISTICS) * len(CHANNELS)), np.float32)
    with ShardWriter(layout_of(out, config)) as writer:
        for images_NCHW in _rendered(simulation, settings, range(len(metadata))):
            for first in range(0, len(images_NCHW), _SITES_AT_ONCE):
                some_NCHW = images_NCHW[first : first + _SITES_AT_ONCE]
                tiles_NCHW, found_NF = _tiles(some_NCHW, ranges, settings, tile_px)
                statistics_NF[writer.n_tiles : writer.n_tiles + len(found_NF)] = found_NF
                writer.append(tiles_NCHW)
        writer.finish()
    pq.write_table(metadata_to_arrow(metadata), out / METADATA)
    StoredFingerprints.of_metadata(metadata).write(out / MOLECULES)
    (out / CONFIG).write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return statistics_NF


def _ranges(
    simulation: Simulation, settings: SimulationSettings, n_training: int
) -> tuple[IntensityRange, ...]:
    """Take the percentiles of some of the training sites, as ``tide pack`` takes a screen's."""
    chosen = np.linspace(0, n_training - 1, min(_SITES_FOR_RANGES, n_training)).astype(int)
    totals = [IntensityHistogram() for _ in CHANNELS]
    for images_NCHW in _rendered(simulation, settings, chosen.tolist()):
        for channel, total in enumerate(totals):
            total.add(images_NCHW[:, channel].reshape(-1, images_NCHW.shape[-1]))
    return tuple(total.range(PAPER_PERCENTILES) for total in totals)


def _rendered(
    simulation: Simulation, settings: SimulationSettings, rows: Sequence[int]
) -> Iterator[Images]:
    chosen = np.asarray(rows)
    batches = rendered_sites(
        simulation.sites.iloc[chosen].reset_index(drop=True),
        simulation.morphology_SM[chosen],
        seed=settings.seed,
        preset=settings.preset,
        layout=simulation.layout,
        device=settings.device,
    )
    return (images_NCHW for _, images_NCHW in batches)


def _tiles(
    images_NCHW: Images,
    ranges: Sequence[IntensityRange],
    settings: SimulationSettings,
    tile_px: int,
) -> tuple[Tiles, Table]:
    """Scale to [0, 1], shrink by averaging and store as bytes; with mean and SD by channel."""
    device = choose_device(settings.device)
    stored = torch.from_numpy(images_NCHW.view(np.int16)).to(device)
    low_C = torch.tensor([r.low for r in ranges], device=device)[:, None, None] / 65535
    high_C = torch.tensor([r.high for r in ranges], device=device)[:, None, None] / 65535
    scaled = ((to_unit_range(stored, 65535) - low_C) / (high_C - low_C)).clamp_(0, 1)
    shrunk = functional.avg_pool2d(scaled, images_NCHW.shape[-1] // tile_px)
    tiles = shrunk.mul(255).round_().to(torch.uint8)
    statistics = torch.cat([shrunk.mean((2, 3)), shrunk.std((2, 3))], dim=1)
    return tiles.cpu().numpy(), statistics.cpu().numpy()


def _config(
    settings: SimulationSettings,
    ranges: Sequence[IntensityRange],
    *,
    n_tiles: int,
    tile_px: int,
) -> PackConfig:
    """Describe the pack; its hash is that of what was simulated, since pixels follow from that."""
    said = f"world {settings.seed}: {settings.preset}, {settings.world}, {settings.coverage}"
    return PackConfig(
        screen=f"world {settings.seed}",
        channels=CHANNELS,
        tile_px=settings.preset.image_px,
        image_px=tile_px,
        intensity={
            name: (limits.low, limits.high) for name, limits in zip(CHANNELS, ranges, strict=True)
        },
        intensity_percentiles=PAPER_PERCENTILES,
        pixel_size_um=settings.preset.pixel_size_um,
        n_sites=n_tiles,
        n_skipped=0,
        n_tiles=n_tiles,
        tiles_per_shard=_PER_SHARD,
        data_hash=hashlib.sha256(f"{said}, {tile_px} px".encode()).hexdigest(),
    )
