"""A whole simulated screen in memory, short of its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_tide.simulate.expression import simulate_expression
from napari_tide.simulate.imaged_sites import list_sites
from napari_tide.simulate.nuisance import draw_nuisance
from napari_tide.simulate.plate_layout import Layout, lay_out
from napari_tide.simulate.presets import Design, Preset
from napari_tide.simulate.selection import Selection, drugs_with_rna, select
from napari_tide.simulate.world import World, make_world
from napari_tide.simulate.world_settings import WorldSettings
from napari_tide.transcriptomes.expression_table import ExpressionTable

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """What to simulate.

    Parameters
    ----------
    preset
        Size and design of the screen.
    seed
        The world.
    world
        Strength of what bypasses mechanism.
    rna_coverage
        Share of the imaged training drugs with expression; None for the preset's own.
    is_features_only
        Measure morphology directly instead of rendering images.
    device
        ``auto``, ``cpu`` or ``cuda``.
    """

    preset: Preset
    seed: int
    world: WorldSettings = field(default_factory=WorldSettings)
    rna_coverage: float | None = None
    is_features_only: bool = False
    device: str = "auto"

    @property
    def design(self) -> Design:
        """The design that is laid out."""
        return self.preset.features if self.is_features_only else self.preset.screen

    @property
    def coverage(self) -> float:
        """The share of imaged training drugs with expression."""
        return self.preset.rna_coverage if self.rna_coverage is None else self.rna_coverage


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """A screen before it is written: everything but pixels."""

    world: World
    selection: Selection
    layout: Layout
    sites: pd.DataFrame
    morphology_SM: npt.NDArray[np.float64]
    rna_drugs: tuple[int, ...]
    expression: ExpressionTable


def simulate(settings: SimulationSettings) -> Simulation:
    """Draw a whole screen in memory, short of rendering it."""
    world = make_world(settings.seed, settings.world)
    selection = select(world, settings.design)
    rna_drugs = drugs_with_rna(world, selection.drugs, settings.coverage)
    layout = lay_out(world, settings.design, selection)
    sites = list_sites(world, layout, n_sites=settings.design.n_sites)
    mean_TM = world.mean_morphology(world.respond(layout.treatments))
    nuisance_SM = draw_nuisance(settings.seed, sites, layout.plate_format)
    morphology_SM = mean_TM[sites["treatment"].to_numpy(np.int64)] + nuisance_SM
    return Simulation(
        world=world,
        selection=selection,
        layout=layout,
        sites=sites,
        morphology_SM=np.round(morphology_SM, DECIMALS),
        rna_drugs=rna_drugs,
        expression=simulate_expression(world, rna_drugs),
    )
