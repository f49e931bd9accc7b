"""The worlds of the benchmark: simulated screens with known mechanism, on disk and in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.drug_gene_tables import read_drug_gene_truth
from napari_tide.discovery.drug_gene_truth import DrugGeneTruth
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles
from napari_tide.simulate.presets import Preset, find_preset
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings
from napari_tide.simulate.world_settings import WorldSettings
from tide_train.bench.tables.codebook_case import strongest_pathways
from tide_train.bench.tables.pixel_worlds import PACK, training_part, write_pixel_world
from tide_train.data.expression_inputs import ExpressionInputs, read_expression_inputs
from tide_train.data.tile_pack import TilePack, open_pack
from tide_train.data.training_data import TrainingTable

PAPER_COVERAGE = 0.3
"""Share of training drugs with expression; the paper's data sets have 14 to 28 %."""


Size = Literal["mini", "paper", "tiny"]
SIZES: tuple[Size, ...] = get_args(Size)


@dataclass(frozen=True, slots=True)
class PixelDesign:
    """How a world is imaged.

    Parameters
    ----------
    screen
        The simulator's preset: which treatments, how many wells and fields, of which size.
    tile_px
        Side of a field as methods see it; a divisor of the field's own.
    """

    screen: Preset
    tile_px: int


def _tiny_screen() -> Preset:
    sample = find_preset("sample")
    design = replace(sample.screen, n_blocks=2, drug_copies=1, n_negative=8)
    return replace(sample, screen=design, image_px=64, is_reproducible=False)


def _paper_screen() -> Preset:
    """Two fields of 112 px a well at full resolution: 41,400 images that keep their textures."""
    paper = find_preset("paper")
    return replace(paper, screen=replace(paper.screen, n_sites=2), image_px=112)


PIXELS: Mapping[Size, PixelDesign] = {
    "paper": PixelDesign(_paper_screen(), tile_px=112),
    "tiny": PixelDesign(_tiny_screen(), tile_px=32),
}


@dataclass(frozen=True, slots=True)
class WorldKey:
    """Which world, at which size, and how strongly each thing acts in it.

    Parameters
    ----------
    size
        ``mini`` is measured as features; the others are imaged.
    """

    seed: int
    off_target: float = 2.0
    coverage: float = PAPER_COVERAGE
    rna_noise: float = 1.0
    rna_leak: float = 0.25
    size: Size = "mini"

    @property
    def name(self) -> str:
        """A folder's name."""
        images = "" if self.size == "mini" else f"_{self.size}"
        return f"world_{self.seed:03d}_{self.setting}{images}"

    @property
    def setting(self) -> str:
        """What worlds of other seeds and sizes share with this one."""
        return (
            f"off{self.off_target:g}_rna{100 * self.coverage:g}"
            f"_noise{self.rna_noise:g}_leak{self.rna_leak:g}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A screen, its transcriptomes and its truth.

    Parameters
    ----------
    profiles
        Every well; a batch is a plate. Its features are those measured, or of images their
        intensity statistics.
    held_out
        Drugs that no method trains on.
    pathway_of
        Of every active drug, the pathway it acts on most.
    pack
        The tiles of a world that is imaged.
    n_training_tiles
        The first so many of them are of wells that methods train on.
    """

    key: WorldKey
    profiles: Profiles
    expression: ExpressionInputs
    truth: DrugGeneTruth
    held_out: frozenset[str]
    pathway_of: Mapping[str, int]
    pack: TilePack | None = None
    n_training_tiles: int = 0

    @property
    def is_held_out(self) -> npt.NDArray[np.bool_]:
        """Which wells hold such a drug."""
        return self.profiles.column("Metadata_Compound").isin(self.held_out).to_numpy()

    @property
    def is_trained_on(self) -> npt.NDArray[np.bool_]:
        """Which wells methods train on: those of training drugs; no knock-out, no held-out drug."""
        is_drug = (self.profiles.column("Metadata_Compound") != "").to_numpy()
        used: npt.NDArray[np.bool_] = is_drug & ~self.profiles.is_control & ~self.is_held_out
        return used

    def training_data(self) -> TrainingTable | TilePack:
        """Give what methods train on."""
        if self.pack is not None:
            return training_part(self.pack, self.n_training_tiles)
        return TrainingTable.from_profiles(self.profiles.take(self.is_trained_on))


def open_world(key: WorldKey, folder: Path) -> World:
    """Read a world, simulating it first where it is not there yet.

    Raises
    ------
    TideError
        It cannot be simulated, written or read.
    """
    path = folder / key.name
    if not (path / "world.json").is_file():
        _simulate(key, path)
    profiles = read_profiles(path / "features.parquet")
    metadata = profiles.metadata.assign(Metadata_Batch=profiles.column("Metadata_Plate"))
    drugs = pd.read_csv(path / "truth" / "drugs.csv")
    described = json.loads((path / "world.json").read_text(encoding="utf-8"))
    return World(
        key=key,
        profiles=replace(profiles, metadata=metadata, level="well"),
        expression=read_expression_inputs([path / "l1000.gctx"], min_replicates=1),
        truth=read_drug_gene_truth(path / "truth" / "drug_gene.csv").truth,
        held_out=frozenset(drugs.loc[drugs["held_out"], "compound"]),
        pathway_of=strongest_pathways(path / "truth" / "pathways.csv"),
        pack=open_pack(path / PACK) if key.size in PIXELS else None,
        n_training_tiles=described.get("n_training_tiles", 0),
    )


def _simulate(key: WorldKey, path: Path) -> None:
    design = PIXELS.get(key.size)
    settings = SimulationSettings(
        find_preset("mini") if design is None else design.screen,
        key.seed,
        world=WorldSettings(
            off_target=key.off_target, rna_leak=key.rna_leak, rna_noise=key.rna_noise
        ),
        rna_coverage=key.coverage,
        is_features_only=design is None,
    )
    if design is None:
        simulate_screen(path, settings, is_overwriting=True)
    else:
        write_pixel_world(path, settings, tile_px=design.tile_px)
