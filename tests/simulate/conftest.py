"""Worlds and small designs shared by the simulator's tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_tide.simulate.presets import PRESETS, Preset
from napari_tide.simulate.world import World, make_world

SEED = 0


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(SEED)


@pytest.fixture(scope="session")
def tiny() -> Preset:
    """Two plates, two lines, a handful of treatments, 32-pixel images."""
    sample = PRESETS["sample"]
    design = replace(
        sample.screen,
        n_compounds=3,
        n_genes=4,
        lines=("U2OS", "A549"),
        drug_copies=1,
        gene_copies=1,
        plate_wells=24,
        n_negative=4,
        n_positive=2,
        n_sites=2,
    )
    return replace(sample, screen=design, features=design, image_px=32)
