"""The mechanism of a world, before anything is imaged."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from napari_tide.errors import SimulationValueError
from napari_tide.simulate import facts
from napari_tide.simulate.cell_lines import CELL_LINES
from napari_tide.simulate.drugs import hill
from napari_tide.simulate.morphology import MORPHOLOGY_PARAMETERS
from napari_tide.simulate.pathways import N_PATHWAYS
from napari_tide.simulate.streams import stream, stream_seed
from napari_tide.simulate.treatments import dose_series, joined, knock_outs, untreated
from napari_tide.simulate.world import N_HELD_OUT, SIMULATOR_VERSION, make_world
from napari_tide.simulate.world_settings import WorldSettings

EVERY_DRUG = range(302)


def panel_of(world):
    return [number for number, name in enumerate(world.genes.names) if name in world.panel]


def test_hill_is_one_half_at_the_ec50_and_follows_the_formula():
    dose, ec50, slope = np.array([0.8, 2.0]), np.array([0.8, 0.5]), np.array([1.7, 1.2])
    expected = [0.5, 1 / (1 + (0.5 / 2.0) ** 1.2)]
    np.testing.assert_allclose(hill(dose, ec50, slope), expected)


def test_engagement_equals_a_slow_loop(world):
    treatments = dose_series([3, 70, 200], [0.6, 10.0], [0])
    fast = world.drugs.engagement(
        treatments.drug_N, treatments.dose_um_N, n_genes=len(world.genes.names)
    )
    slow = np.zeros_like(fast)
    drugs = world.drugs
    for row in range(len(treatments)):
        for edge in range(len(drugs.drug_E)):
            if drugs.drug_E[edge] == treatments.drug_N[row]:
                ratio = (drugs.ec50_um_E[edge] / treatments.dose_um_N[row]) ** drugs.slope_E[edge]
                slow[row, drugs.gene_E[edge]] = drugs.weight_E[edge] / (1 + ratio)
    np.testing.assert_allclose(fast, slow, rtol=1e-12)


def test_engagement_and_stress_rise_with_the_dose(world):
    doses = [0.1, 0.6, 2.5, 10.0, 40.0]
    treatments = dose_series(EVERY_DRUG, doses, [0])
    engaged = world.drugs.engagement(
        treatments.drug_N, treatments.dose_um_N, n_genes=len(world.genes.names)
    ).reshape(302, len(doses), -1)
    hit = world.drugs.drug_E, slice(None), world.drugs.gene_E
    assert (np.diff(engaged[hit], axis=1) > 0).all()
    stress = world.respond(treatments).stress_N.reshape(302, len(doses))
    assert (np.diff(stress, axis=1) >= 0).all()


def test_morphology_changes_more_at_higher_doses(world):
    doses = [0.1, 0.6, 2.5, 10.0]
    change = world.morphology_change(world.respond(dose_series(EVERY_DRUG, doses, [0])))
    size = np.linalg.norm(change, axis=1).reshape(302, len(doses)).mean(axis=0)
    assert (np.diff(size) > 0).all()


def test_untreated_cells_do_not_respond(world):
    response = world.respond(untreated([0, 1]))
    assert not response.pathways_NP.any()
    assert not response.stress_N.any()
    assert not world.morphology_change(response).any()
    assert not world.expression_change(response).any()


def test_panel_targets_are_hit_harder_and_at_lower_doses(world):
    drugs = world.drugs
    assert drugs.is_panel_E.sum() == 457
    assert drugs.weight_E[drugs.is_panel_E].min() > drugs.weight_E[~drugs.is_panel_E].max()
    assert np.median(drugs.ec50_um_E[drugs.is_panel_E]) == pytest.approx(0.8, rel=0.15)
    assert np.median(drugs.ec50_um_E[~drugs.is_panel_E]) == pytest.approx(3.0, rel=0.15)


def test_an_inhibitor_looks_like_the_knock_out_of_its_gene():
    """Without direct chemistry a drug with one panel target matches its gene far above chance."""
    world = make_world(1, WorldSettings(off_target=0.0))
    drugs = world.drugs
    per_drug = np.bincount(drugs.drug_E[drugs.is_panel_E], minlength=302)
    edges = [e for e in np.flatnonzero(drugs.is_panel_E) if per_drug[drugs.drug_E[e]] == 1]
    treated = world.respond(dose_series(drugs.drug_E[edges], [10.0], [0]))
    panel = panel_of(world)
    knocked = world.respond(knock_outs(panel, [0]))
    for change in (world.morphology_change, world.expression_change):
        a, b = change(treated), change(knocked)
        cosine = (a / np.linalg.norm(a, axis=1, keepdims=True)) @ (
            b / np.linalg.norm(b, axis=1, keepdims=True)
        ).T
        own = cosine[np.arange(len(edges)), np.searchsorted(panel, drugs.gene_E[edges])]
        assert own.mean() > 0.6
        assert own.mean() > np.median(cosine) + 0.4


def test_knock_outs_of_one_pathway_share_its_signature(world):
    panel = panel_of(world)
    pathways = world.respond(knock_outs(panel, [1])).pathways_NP
    own = world.genes.pathway_G[panel]
    assert (pathways.argmax(axis=1) == own).mean() > 0.95
    changed = world.morphology_change(world.respond(knock_outs(panel, [1])))
    unit = changed / np.linalg.norm(changed, axis=1, keepdims=True)
    cosine, same = unit @ unit.T, own[:, None] == own[None, :]
    np.fill_diagonal(same, val=False)
    assert cosine[same].mean() > cosine[~same & ~np.eye(len(own), dtype=bool)].mean() + 0.4


def test_knock_outs_have_no_direct_chemistry(world):
    assert not world.respond(knock_outs(panel_of(world), [0])).off_target_NA.any()


def permuted(compounds):
    """The same compounds with each other's structures."""
    order = np.random.default_rng(5).permutation(len(compounds))
    return [
        replace(
            compound,
            smiles=compounds[other].smiles,
            smiles_standard=compounds[other].smiles_standard,
            ecfp4_bits=compounds[other].ecfp4_bits,
        )
        for compound, other in zip(compounds, order, strict=True)
    ]


def test_structures_matter_only_through_direct_chemistry(world):
    other = make_world(world.seed, compounds=permuted(facts.compounds()))
    treatments = dose_series(EVERY_DRUG, [10.0], [0])
    mine, theirs = world.respond(treatments), other.respond(treatments)
    np.testing.assert_array_equal(mine.pathways_NP, theirs.pathways_NP)
    np.testing.assert_array_equal(mine.stress_N, theirs.stress_N)
    assert np.abs(mine.off_target_NA - theirs.off_target_NA).max() > 1


def test_without_off_target_strength_structures_have_no_influence():
    none = WorldSettings(off_target=0.0)
    mine = make_world(0, none)
    theirs = make_world(0, none, compounds=permuted(facts.compounds()))
    response = mine.respond(dose_series(EVERY_DRUG, [10.0], [0]))
    other = theirs.respond(dose_series(EVERY_DRUG, [10.0], [0]))
    np.testing.assert_array_equal(mine.morphology_change(response), theirs.morphology_change(other))
    np.testing.assert_array_equal(mine.expression_change(response), theirs.expression_change(other))


def test_equal_structures_have_equal_direct_chemistry(world):
    names = [compound.name for compound in world.compounds]
    first, second = (world.chemistry.axes_DA[names.index(n)] for n in ("quinine", "quinidine"))
    np.testing.assert_array_equal(first, second)


def test_leak_takes_direct_chemistry_into_expression():
    treatments = dose_series(EVERY_DRUG, [10.0], [0])
    sealed = make_world(0, WorldSettings(rna_leak=0.0))
    clean = make_world(0, WorldSettings(off_target=0.0))
    leaky = make_world(0, WorldSettings(rna_leak=1.0))
    expected = clean.expression_change(clean.respond(treatments))
    np.testing.assert_allclose(sealed.expression_change(sealed.respond(treatments)), expected)
    assert np.abs(leaky.expression_change(leaky.respond(treatments)) - expected).max() > 0.5


def test_cell_lines_look_and_respond_differently(world):
    panel = panel_of(world)
    changes = [world.morphology_change(world.respond(knock_outs(panel, [n]))) for n in (0, 1)]
    assert np.abs(changes[0] - changes[1]).max() > 0.3
    means = world.mean_morphology(world.respond(untreated([0, 1])))
    assert means[0, MORPHOLOGY_PARAMETERS.index("cell_size")] > 0.5
    assert means[1, MORPHOLOGY_PARAMETERS.index("cell_size")] < -0.5
    np.testing.assert_allclose(world.transcription.basal_LG.shape, (len(CELL_LINES), 978))


def test_the_split_belongs_to_the_world(world):
    assert world.is_held_out_D.sum() == N_HELD_OUT
    held_out = {world.compounds[drug].name for drug in np.flatnonzero(world.is_held_out_D)}
    assert not held_out & {*facts.POSITIVE_CONTROLS}
    assert not world.is_held_out_D[world.rna_order_D].any()
    assert {*world.rna_order_D} == {*np.flatnonzero(~world.is_held_out_D)}
    assert (make_world(7).is_held_out_D != world.is_held_out_D).any()


def test_seeds_make_worlds(world):
    again, other = make_world(world.seed), make_world(world.seed + 1)
    np.testing.assert_array_equal(again.genes.inhibition_GP, world.genes.inhibition_GP)
    np.testing.assert_array_equal(again.chemistry.axes_DA, world.chemistry.axes_DA)
    assert (other.genes.pathway_G != world.genes.pathway_G).mean() > 0.8
    counts = np.bincount(world.genes.pathway_G, minlength=N_PATHWAYS)
    assert counts.max() - counts.min() <= 1


def test_streams_depend_on_their_name_only():
    first = stream(3, "a", 1).standard_normal(4)
    stream(3, "b").standard_normal(100)
    np.testing.assert_array_equal(stream(3, "a", 1).standard_normal(4), first)
    assert (stream(3, "a", 2).standard_normal(4) != first).all()
    assert (stream(4, "a", 1).standard_normal(4) != first).all()
    assert 0 <= stream_seed(3, "a") < 2**63


@pytest.mark.parametrize("name", ["off_target", "rna_leak", "rna_noise"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_impossible_strengths_are_refused(name, value):
    with pytest.raises(SimulationValueError, match=f"--{name.replace('_', '-')} is .*0 or more"):
        WorldSettings(**{name: value})


def test_negative_seeds_are_refused():
    with pytest.raises(SimulationValueError, match="--seed is -1; expected a whole number"):
        make_world(-1)


def test_output_belongs_to_the_simulator_version():
    """Another digest means other output for the same seed: raise SIMULATOR_VERSION, then pin."""
    world = make_world(3)
    treatments = joined([dose_series([0, 150], [0.6, 10.0], [0, 1]), knock_outs([5, 40], [0, 1])])
    response = world.respond(treatments)
    parts = (world.mean_morphology(response), world.expression_change(response))
    text = "\n".join(" ".join(f"{value:.5f}" for value in part.ravel()) for part in parts)
    digest = hashlib.sha256(text.replace("-0.00000", "0.00000").encode()).hexdigest()[:16]
    assert (SIMULATOR_VERSION, digest) == (2, "f34efdce167a4b89")
