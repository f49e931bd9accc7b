"""Which treatment is in which well."""

from __future__ import annotations

import numpy as np
import pytest

from napari_tide.screens.well import Well
from napari_tide.simulate import facts
from napari_tide.simulate.imaged_sites import list_sites
from napari_tide.simulate.plate_layout import lay_out
from napari_tide.simulate.presets import PRESETS
from napari_tide.simulate.selection import drugs_with_rna, select


@pytest.fixture(scope="module")
def sample(world):
    design = PRESETS["sample"].screen
    selection = select(world, design)
    layout = lay_out(world, design, selection)
    return list_sites(world, layout, n_sites=design.n_sites), layout, selection


@pytest.fixture(scope="module")
def mini(world):
    design = PRESETS["mini"].features
    layout = lay_out(world, design, select(world, design))
    return list_sites(world, layout, n_sites=design.n_sites), layout


def test_the_sample_fills_one_plate(sample):
    sites, _, _ = sample
    assert sites["well"].nunique() == len(sites) == 96
    assert sites["plate"].nunique() == 1
    counts = sites["control"].value_counts()
    assert (counts["negcon"], counts["poscon"]) == (16, 4)
    drugs = sites[(sites["perturbation_type"] == "compound") & (sites["control"] == "")]
    assert (drugs.groupby(["compound", "dose_um"]).size() == 2).all()
    assert drugs["compound"].nunique() == 12
    assert (sites[sites["gene"] != ""].groupby("gene").size() == 2).all()
    assert sites["gene"].nunique() == 14 + 1


def test_several_sample_drugs_hit_a_sample_knock_out(sample, world):
    _, _, selection = sample
    knocked = {world.genes.names[gene] for gene in selection.genes}
    linked = [drug for drug in selection.drugs if {*world.compounds[drug].targets} & knocked]
    assert len(linked) >= 8
    assert not {world.compounds[d].name for d in selection.drugs} & {*facts.POSITIVE_CONTROLS}


def test_controls_are_all_over_the_plate(sample):
    sites, layout, _ = sample
    wells = [Well.parse(name) for name in sites.loc[sites["control"] == "negcon", "well"]]
    assert len({well.column for well in wells}) >= 8
    assert len({well.row for well in wells}) >= 4
    at_edge = [layout.plate_format.is_edge(well) for well in wells]
    assert any(at_edge)
    assert not all(at_edge)


def test_every_block_holds_every_treatment_once(mini, world):
    sites, _ = mini
    treated = sites[sites["control"] == ""]
    keys = ["batch", "cell_line", "compound", "dose_um", "gene"]
    assert (treated.groupby(keys, dropna=False).size() == 1).all()
    assert treated["compound"].nunique() - 1 == 302
    assert {*treated["gene"]} - {""} == {*world.panel}
    assert treated["batch"].nunique() == 8
    assert {*treated["dose_um"].dropna()} == {0.6, 2.5, 10.0}
    assert not sites.duplicated(["plate", "well", "site"]).any()


def test_positions_change_between_replicates(mini):
    sites, _ = mini
    knocked = sites[sites["gene"] != ""]
    wells_each = knocked.groupby("gene")["well"].nunique()
    assert wells_each.min() >= 5
    assert wells_each.mean() > 7.5


def test_every_batch_is_of_one_line_and_has_controls(mini):
    sites, _ = mini
    assert (sites.groupby("batch")["cell_line"].nunique() == 1).all()
    assert (sites[sites["control"] == "negcon"].groupby("plate").size() == 24).all()


def test_paper_has_at_least_sixty_thousand_sites(world):
    design = PRESETS["paper"].screen
    layout = lay_out(world, design, select(world, design))
    assert 60_000 <= len(layout.wells) * design.n_sites <= 65_000


def test_mini_with_pixels_has_about_two_thousand_sites(world):
    design = PRESETS["mini"].screen
    layout = lay_out(world, design, select(world, design))
    assert 1_800 <= len(layout.wells) * design.n_sites <= 2_200
    assert {*layout.wells["cell_line"]} == {"U2OS", "A549"}


@pytest.mark.parametrize("coverage", [0.0, 0.15, 0.3, 0.5, 1.0])
def test_rna_coverage_is_exact(world, coverage):
    covered = drugs_with_rna(world, range(302), coverage)
    assert len(covered) == int(coverage * 242 + 0.5)
    assert not world.is_held_out_D[list(covered)].any()


def test_more_coverage_contains_less(world):
    few, many = (drugs_with_rna(world, range(302), share) for share in (0.15, 0.5))
    assert {*few} < {*many}
    assert np.all(np.diff(many) > 0)
