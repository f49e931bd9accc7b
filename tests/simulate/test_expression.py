"""Expression measurements."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tide.simulate.expression import N_REPLICATES, RNA_DOSES_UM, simulate_expression
from napari_tide.simulate.presets import PRESETS
from napari_tide.simulate.treatments import dose_series
from napari_tide.simulate.world import make_world
from napari_tide.simulate.world_settings import WorldSettings

DRUGS = (4, 90, 201)


@pytest.fixture(scope="module")
def table(world):
    return simulate_expression(world, DRUGS)


def test_every_drug_dose_line_and_replicate_is_measured(table):
    samples = table.samples
    treated = samples[samples["pert_type"] == "trt_cp"]
    assert len(treated) == len(DRUGS) * len(RNA_DOSES_UM) * 2 * N_REPLICATES
    counts = treated.groupby(["cmap_name", "pert_idose", "cell_iname"]).size()
    assert (counts == N_REPLICATES).all()
    vehicles = samples[samples["pert_type"] == "ctl_vehicle"]
    assert (vehicles.groupby("det_plate").size() == 12).all()
    assert not samples.duplicated(["det_plate", "det_well"]).any()


def test_doses_differ_from_those_of_the_images(table):
    measured = {*table.samples["pert_dose"].dropna()}
    imaged = {dose for preset in PRESETS.values() for dose in preset.features.doses_um}
    assert measured == {*RNA_DOSES_UM}
    assert not measured & imaged


def test_values_look_like_normalised_expression(table):
    assert table.level == "3"
    assert table.values.shape[1] == 978
    assert table.values.min() >= 3
    assert table.values.max() <= 15


def test_the_measured_change_is_the_true_change_with_noise(world, table):
    samples = table.samples
    drug = DRUGS[1]
    truth = world.expression_change(world.respond(dose_series([drug], [11.0], [0])))[0]
    is_drug = (samples["cmap_name"] == world.compounds[drug].name) & (samples["pert_dose"] == 11.0)
    here = (samples["cell_iname"] == "U2OS").to_numpy()
    measured = table.values[is_drug.to_numpy() & here].mean(axis=0) - table.values[
        (samples["pert_type"] == "ctl_vehicle").to_numpy() & here
    ].mean(axis=0)
    # noise .5 over 3 replicates and 36 vehicle wells; plates cancel
    residual = measured - truth
    inner = np.abs(world.transcription.basal_LG[0] - 9) < 3
    assert residual[inner].std() == pytest.approx(0.5 * np.sqrt(1 / 3 + 1 / 36), rel=0.1)


def test_noise_follows_its_option(world, table):
    louder = simulate_expression(make_world(world.seed, WorldSettings(rna_noise=3.0)), DRUGS)
    silent = simulate_expression(make_world(world.seed, WorldSettings(rna_noise=0.0)), DRUGS)
    inner = np.abs(table.values - 9) < 2
    ratio = (louder.values - silent.values)[inner].std() / (table.values - silent.values)[
        inner
    ].std()
    assert ratio == pytest.approx(3, rel=0.1)


def test_no_drug_leaves_the_vehicles(world):
    table = simulate_expression(world, ())
    assert {*table.samples["cmap_name"]} == {"DMSO"}
