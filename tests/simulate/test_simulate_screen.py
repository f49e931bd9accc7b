"""A simulated screen on disk, with features instead of pixels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_tide.errors import OutputExistsError, OutputWriteError, SimulationValueError
from napari_tide.profiles.store import read_profiles
from napari_tide.simulate import features
from napari_tide.simulate import simulate_screen as module
from napari_tide.simulate.presets import PRESETS, find_preset
from napari_tide.simulate.simulate_screen import simulate_screen
from napari_tide.simulate.simulation import SimulationSettings, simulate
from napari_tide.simulate.truth import drug_gene_truth
from napari_tide.simulate.world_settings import WorldSettings
from napari_tide.transcriptomes.expression_file import open_expression


@pytest.fixture(scope="module")
def settings(tiny):
    return SimulationSettings(tiny, seed=4, is_features_only=True)


@pytest.fixture(scope="module")
def written(settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("screen") / "out"
    return out, simulate_screen(out, settings)


def test_the_same_seed_gives_the_same_screen(written, settings, tmp_path):
    _, described = written
    assert simulate_screen(tmp_path / "again", settings)["sha256"] == described["sha256"]


def test_another_seed_gives_another_screen(written, settings, tmp_path):
    _, described = written
    other = simulate_screen(tmp_path / "other", replace(settings, seed=5))["sha256"]
    assert not {*other.values()} & {*described["sha256"].values()}


def test_output_belongs_to_the_simulator_version(written):
    """Another digest means other output for the same seed: raise SIMULATOR_VERSION, then pin."""
    _, described = written
    text = json.dumps(described["sha256"], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert (described["simulator_version"], digest) == (2, "1efc29e08edf296d")


def test_world_json_says_what_was_made(written):
    out, described = written
    stored = json.loads((out / "world.json").read_text())
    assert stored == json.loads(json.dumps(described))
    assert stored["mode"] == "features"
    assert stored["options"] == {
        "off_target": 2.0,
        "rna_leak": 0.25,
        "rna_noise": 1.0,
        "rna_coverage": 0.5,
    }
    assert stored["sizes"]["sites"] == 2 * stored["sizes"]["wells"]


def test_features_follow_the_profile_convention(written):
    out, described = written
    profiles = read_profiles(out / "features.parquet")
    assert (profiles.level, profiles.student) == ("site", "tide simulate")
    table = pd.read_parquet(out / "features.parquet")
    assert len(table) == described["sizes"]["sites"]
    values = table.filter(regex="^(Nuclei|Cells|Cytoplasm)_")
    assert values.shape[1] == 92
    assert (values.dtypes == np.float32).all()
    digest = hashlib.sha256(values.to_numpy("<f4", copy=True).tobytes()).hexdigest()
    assert digest == described["sha256"]["features"]
    assert {*table["Metadata_Control"]} == {"", "negcon", "poscon"}
    assert {*table["Metadata_Cell_Line"]} == {"U2OS", "A549"}


def test_feature_screens_hold_no_image_tables(written):
    out, _ = written
    assert not any((out / name).exists() for name in ("screen.parquet", "load_data.csv", "images"))


def test_expression_reads_back_in_the_words_of_a_screen(written, settings):
    out, described = written
    file = open_expression(out / "l1000.gctx")
    assert (file.level, file.warnings) == ("3", ())
    assert len(file.landmarks()) == 978
    table = file.read()
    digest = hashlib.sha256(table.values.astype("<f4").tobytes()).hexdigest()
    assert digest == described["sha256"]["l1000_values"]
    treated = table.samples[table.samples["control"] == ""]
    assert {*treated["compound"]} == {*described["rna_drugs"]}
    assert {*treated["dose_um"]} == {*described["rna_doses_um"]}
    assert {*treated["cell_line"]} == {"U2OS", "A549"}
    np.testing.assert_array_equal(table.values, simulate(settings).expression.values)


def test_plate_maps_agree_with_the_features(written):
    out, _ = written
    wells = pd.read_parquet(out / "features.parquet").drop_duplicates(
        ["Metadata_Plate", "Metadata_Well"]
    )
    barcodes = pd.read_csv(out / "barcode_platemap.csv")
    assert {*barcodes["Assay_Plate_Barcode"]} == {*wells["Metadata_Plate"]}
    for plate, name in barcodes.itertuples(index=False):
        plate_map = pd.read_csv(out / "platemaps" / f"{name}.csv", keep_default_na=False)
        here = wells[wells["Metadata_Plate"] == plate].set_index("Metadata_Well")
        joined = plate_map.set_index("well_position").join(here, how="outer")
        assert (joined["compound"] == joined["Metadata_Compound"]).all()
        assert (joined["gene"] == joined["Metadata_Gene"]).all()
    compounds = pd.read_csv(out / "compound_metadata.csv")
    assert {*compounds["pert_iname"]} == {*wells["Metadata_Compound"]} - {"", "DMSO"}


def test_truth_agrees_with_the_world(written, settings):
    out, described = written
    simulation = simulate(settings)
    world = simulation.world
    table = pd.read_csv(out / "truth" / "drug_gene.csv")
    by_name = {compound.name: compound for compound in world.compounds}
    for row in table.itertuples():
        assert row.is_target == (row.gene in by_name[row.compound].targets)
        assert row.is_panel_target == (row.is_target and row.gene in world.panel)
        assert (row.strength > 0) == row.is_target
        assert not row.is_panel_target or row.same_pathway
    assert {*table.loc[table["held_out"], "compound"]} == {*described["held_out"]}
    drugs = pd.read_csv(out / "truth" / "drugs.csv")
    assert {*drugs.loc[drugs["has_rna"], "compound"]} == {*described["rna_drugs"]}
    assert not (drugs["has_rna"] & drugs["held_out"]).any()
    pathways = pd.read_csv(out / "truth" / "pathways.csv")
    knocked = pathways[pathways["perturbation_type"] == "crispr"]
    number = {name: n for n, name in enumerate(world.genes.names)}
    own = [world.genes.pathway_G[number[name]] for name in knocked["name"]]
    assert list(knocked["own_pathway"]) == own
    assert pathways.filter(like="activity_").shape[1] == 15


def test_off_target_strength_leaves_plates_and_targets_alone(settings):
    mine = simulate(settings)
    theirs = simulate(replace(settings, world=WorldSettings(off_target=0.0)))
    pd.testing.assert_frame_equal(mine.sites, theirs.sites)
    pd.testing.assert_frame_equal(
        drug_gene_truth(mine.world, mine.selection), drug_gene_truth(theirs.world, theirs.selection)
    )
    untreated = (mine.sites["control"] == "negcon").to_numpy()
    difference = np.abs(mine.morphology_SM - theirs.morphology_SM).max(axis=1)
    knocked = (mine.sites["gene"] != "").to_numpy()
    assert not difference[untreated | knocked].any()
    assert difference[~(untreated | knocked)].max() > 0.5


def test_edges_of_a_plate_hold_fewer_cells():
    simulation = simulate(SimulationSettings(PRESETS["mini"], 0, is_features_only=True))
    sites, format_ = simulation.sites, simulation.layout.plate_format
    at_edge = sites["row"].isin([0, format_.rows - 1]) | sites["column"].isin(
        [0, format_.columns - 1]
    )
    count = pd.Series(simulation.morphology_SM[:, -1])
    untreated = sites["control"] == "negcon"
    assert count[untreated & at_edge].mean() < count[untreated & ~at_edge].mean() - 0.2


def test_a_folder_with_something_in_it_is_left_alone(settings, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputExistsError, match="is not empty; choose another folder, or replace"):
        simulate_screen(tmp_path, settings)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_overwriting_replaces_only_what_was_simulated(settings, tmp_path):
    simulate_screen(tmp_path, settings)
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "platemaps" / "old.csv").write_text("left over")
    simulate_screen(tmp_path, replace(settings, seed=9), is_overwriting=True)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert not (tmp_path / "platemaps" / "old.csv").exists()
    assert json.loads((tmp_path / "world.json").read_text())["seed"] == 9


def test_a_failed_run_leaves_no_world(settings, tmp_path, monkeypatch):
    simulate_screen(tmp_path, settings)

    def full_disk(*_args, **_kwargs):
        raise OutputWriteError("disk full")

    monkeypatch.setattr(module.screen_files, "save_features", full_disk)
    with pytest.raises(OutputWriteError, match="disk full"):
        simulate_screen(tmp_path, settings, is_overwriting=True)
    assert not (tmp_path / "world.json").exists()


def test_a_file_is_no_folder(settings, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputExistsError, match="is a file; give a folder"):
        simulate_screen(tmp_path / "out", settings)


def test_an_unwritable_place_is_one_sentence(settings, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match=r"cannot write .*choose another OUT"):
        simulate_screen(tmp_path / "file" / "out", settings)


@pytest.mark.parametrize("coverage", [-0.1, 1.5, float("nan")])
def test_impossible_coverage_is_refused(settings, coverage, tmp_path):
    with pytest.raises(SimulationValueError, match=r"--rna-coverage is .* between 0 and 1"):
        simulate_screen(tmp_path / "out", replace(settings, rna_coverage=coverage))
    assert not (tmp_path / "out").exists()


def test_unknown_presets_are_refused():
    with pytest.raises(SimulationValueError, match=r"no preset 'huge'. Available: \['sample'"):
        find_preset("huge")


def test_features_measure_morphology():
    morphology = np.random.default_rng(0).standard_normal((600, 23))
    measured = features.measure(0, morphology, ["P1"] * 600)
    for parameter in range(23):
        own = measured[:, 4 * parameter : 4 * parameter + 4].mean(axis=1)
        assert np.corrcoef(own, morphology[:, parameter])[0, 1] > 0.6


def average_precision(is_hit, score):
    order = np.argsort(-score, kind="stable")
    hits = is_hit[order]
    return (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()


def drug_gene_precision(embedding, simulation):
    """Mean AP of every drug at the top dose against all knock-outs."""
    sites = simulation.sites
    embedding = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    table = pd.DataFrame(embedding).assign(
        gene=sites["gene"], drug=sites["compound"].where(sites["dose_um"] == 10.0, "")
    )
    genes = table[table["gene"] != ""].drop(columns="drug").groupby("gene").mean()
    is_drug = (table["drug"] != "") & (sites["control"] == "")
    drugs = table[is_drug].drop(columns="gene").groupby("drug").mean()
    truth = drug_gene_truth(simulation.world, simulation.selection)
    positives = truth[truth["is_panel_target"]].groupby("compound")["gene"].agg(set)
    unit = [frame / np.linalg.norm(frame, axis=1, keepdims=True) for frame in (drugs, genes)]
    cosine = unit[0].to_numpy() @ unit[1].to_numpy().T
    precisions = []
    for name, score in zip(drugs.index, cosine, strict=True):
        if name in positives.index:
            is_hit = np.array([gene in positives[name] for gene in genes.index])
            precisions.append(average_precision(is_hit, score))
    return float(np.mean(precisions))


def test_features_link_drugs_to_genes_better_than_chance_and_worse_than_truth():
    simulation = simulate(
        SimulationSettings(
            PRESETS["mini"], 2, world=WorldSettings(off_target=3.0), is_features_only=True
        )
    )
    sites = simulation.sites
    measured = features.measure(2, simulation.morphology_SM, list(sites["plate"])).astype(float)
    is_negative = (sites["control"] == "negcon").to_numpy()
    for rows in sites.groupby("batch").indices.values():
        controls = measured[rows][is_negative[rows]]
        measured[rows] = (measured[rows] - controls.mean(axis=0)) / controls.std(axis=0)
    world, layout = simulation.world, simulation.layout
    activity = world.respond(layout.treatments).pathways_NP[sites["treatment"]] + 1e-9
    chance = np.random.default_rng(0).standard_normal(measured.shape)
    found = drug_gene_precision(measured, simulation)
    assert found > 2 * drug_gene_precision(chance, simulation)
    assert found < 0.8 * drug_gene_precision(activity, simulation)
