"""The worlds of the benchmark: simulated screens with known mechanism, on disk and in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.discovery.drug_gene_tables import read_drug_gene_truth
from napari_tide.discovery.drug_gene_truth import DrugGeneTruth
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import read_profiles
from napari_tide.simulate.presets import find_preset
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings
from napari_tide.simulate.world_settings import WorldSettings
from tide_train.data.expression_inputs import ExpressionInputs, read_expression_inputs
from tide_train.data.training_data import TrainingTable

PAPER_COVERAGE = 0.3
"""Share of training drugs with expression; the paper's data sets have 14 to 28 %."""


@dataclass(frozen=True, slots=True)
class WorldKey:
    """Which world, and how strongly each thing acts in it."""

    seed: int
    off_target: float = 2.0
    coverage: float = PAPER_COVERAGE
    rna_noise: float = 1.0
    rna_leak: float = 0.25

    @property
    def name(self) -> str:
        """A folder's name."""
        return (
            f"world_{self.seed:03d}_off{self.off_target:g}_rna{100 * self.coverage:g}"
            f"_noise{self.rna_noise:g}_leak{self.rna_leak:g}"
        )

    @property
    def setting(self) -> str:
        """What worlds of other seeds share with this one."""
        return self.name.split("_", 2)[2]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """A screen of features, its transcriptomes and its truth.

    Parameters
    ----------
    profiles
        Every well; a batch is a plate.
    held_out
        Drugs that no method trains on.
    """

    key: WorldKey
    profiles: Profiles
    expression: ExpressionInputs
    truth: DrugGeneTruth
    held_out: frozenset[str]

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

    def training_table(self) -> TrainingTable:
        """Give what methods train on."""
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
        settings = SimulationSettings(
            find_preset("mini"),
            key.seed,
            world=WorldSettings(
                off_target=key.off_target, rna_leak=key.rna_leak, rna_noise=key.rna_noise
            ),
            rna_coverage=key.coverage,
            is_features_only=True,
        )
        simulate_screen(path, settings, is_overwriting=True)
    profiles = read_profiles(path / "features.parquet")
    metadata = profiles.metadata.assign(Metadata_Batch=profiles.column("Metadata_Plate"))
    drugs = pd.read_csv(path / "truth" / "drugs.csv")
    return World(
        key=key,
        profiles=replace(profiles, metadata=metadata, level="well"),
        expression=read_expression_inputs([path / "l1000.gctx"], min_replicates=1),
        truth=read_drug_gene_truth(path / "truth" / "drug_gene.csv").truth,
        held_out=frozenset(drugs.loc[drugs["held_out"], "compound"]),
    )
