"""A world in pixels, small enough for a CPU: what is trained on, and what a well is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tide_train.bench.tables.collect import collect_scores
from tide_train.bench.tables.make_tables import TablesRequest, make_tables
from tide_train.bench.tables.plan import PIXEL_ARMS, Cell
from tide_train.bench.tables.run_cells import run_cell
from tide_train.bench.tables.train_arm import of_wells
from tide_train.bench.tables.worlds import WorldKey, open_world

KEY = WorldKey(3, size="tiny")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return open_world(KEY, tmp_path_factory.mktemp("worlds"))


def test_methods_see_the_tiles_of_training_drugs_alone(world):
    seen = world.training_data()
    assert 0 < len(seen) == world.is_trained_on.sum() < len(world.pack)
    assert set(seen.metadata["Metadata_Gene"]) == {""}
    assert not set(seen.metadata["Metadata_Compound"]) & {*world.held_out, "DMSO"}
    with pytest.raises(ValueError, match="no tile"):
        seen.read(np.array([len(seen)]))


def test_a_wells_features_are_the_intensities_of_its_tile(world):
    row = 17
    place = world.pack.metadata.iloc[row]
    wells = world.profiles.metadata
    here = (wells["Metadata_Plate"] == place["Metadata_Plate"]) & (
        wells["Metadata_Well"] == place["Metadata_Well"]
    )
    tile_CHW = world.pack.read(np.array([row]))[0] / 255
    expected = np.concatenate([tile_CHW.mean((1, 2)), tile_CHW.std((1, 2), ddof=1)])
    found = world.profiles.features[here.to_numpy()][0]
    np.testing.assert_allclose(found, expected, atol=0.003)  # tiles are stored as bytes
    assert world.profiles.feature_names[0] == "Intensity_DNA_mean"


def test_a_well_is_the_mean_of_its_tiles_in_the_order_of_the_wells(world):
    rows = np.random.default_rng(0).normal(size=(len(world.pack), 3))
    tiles, wells = world.pack.metadata, world.profiles.metadata
    found = of_wells(world, world.pack, rows)
    for k in (0, 40, len(wells) - 1):
        mine = [
            rows[n]
            for n in range(len(tiles))
            if tiles["Metadata_Plate"].iloc[n] == wells["Metadata_Plate"].iloc[k]
            and tiles["Metadata_Well"].iloc[n] == wells["Metadata_Well"].iloc[k]
        ]
        np.testing.assert_allclose(found[k], np.mean(mine, axis=0), rtol=1e-5)


def test_sizes_do_not_mix(tmp_path):
    for size, value in (("mini", 0.5), ("tiny", 0.7)):
        folder = Cell(WorldKey(3, size=size), 0, "raw").folder(tmp_path)
        folder.mkdir(parents=True)
        cell = {"size": size, "world_seed": 3, "setting": KEY.setting, "arm": "raw", "seed": 0}
        (folder / "scores.json").write_text(
            json.dumps({**cell, "train_s": 1.0, "scores": {"head": {"AP": value}}})
        )
    assert collect_scores(tmp_path)["value"].tolist() == [0.5]
    assert collect_scores(tmp_path, size="tiny")["value"].tolist() == [0.7]


@pytest.mark.slow
def test_every_arm_trains_on_images_and_is_reported(tmp_path):
    asked = TablesRequest(tmp_path, "3", "0", parts=("main",), jobs=1, size="tiny")
    report = make_tables(asked, announce=list)
    text = report.markdown.read_text()
    assert report.n_cells == len(PIXEL_ARMS)
    for arm in PIXEL_ARMS:
        assert f"| `{arm}` |" in text, arm
    assert "--preset tiny" in text
    assert "mechanism" in text


@pytest.mark.slow
def test_a_cell_keeps_its_codebook_and_how_well_it_places_drugs(tmp_path):
    cell = Cell(KEY, 0, "labels")
    run_cell(cell, tmp_path)
    scores = collect_scores(tmp_path, size="tiny").set_index("score")["value"]
    assert 0 <= scores["codebook same mechanism AUC"] <= 1
    assert (cell.folder(tmp_path) / "codebook.npz").is_file()
