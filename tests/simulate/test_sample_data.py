"""The bundled sample screen is what one command makes."""

from __future__ import annotations

import json
import shlex

import h5py
import numpy as np
import pandas as pd
import pytest
import tifffile

from napari_tide.simulate.presets import find_preset
from napari_tide.simulate.simulate_screen import OUTPUTS, simulate_screen
from napari_tide.simulate.simulation import SimulationSettings

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def sample(repository):
    return repository / "sample_data"


@pytest.fixture(scope="module")
def described(sample):
    return json.loads((sample / "world.json").read_text())


@pytest.fixture(scope="module")
def remade(described, tmp_path_factory):
    out = tmp_path_factory.mktemp("sample") / "sample_data"
    simulate_screen(out, SimulationSettings(find_preset("sample"), seed=described["seed"]))
    return out


def test_the_readme_gives_the_command_and_checksums(sample, described):
    text = (sample / "README.md").read_text(encoding="utf-8")
    command = f"tide simulate sample_data --preset sample --seed {described['seed']} --overwrite"
    assert command in text
    assert shlex.split(command)[0] == "tide"
    for checksum in described["sha256"].values():
        assert checksum in text


def test_the_seed_is_reserved_for_nothing_else(described):
    assert described["seed"] >= 1000


def test_the_simulated_files_weigh_at_most_twenty_megabytes(sample):
    files = [path for name in OUTPUTS for path in ((sample / name), *(sample / name).rglob("*"))]
    assert sum(path.stat().st_size for path in files if path.is_file()) <= 20 * MEGABYTE


def test_every_pixel_is_remade(sample, remade):
    planes = sorted(path.relative_to(sample) for path in sample.glob("images/*/*.tiff"))
    assert len(planes) == 96 * 5
    assert planes == sorted(path.relative_to(remade) for path in remade.glob("images/*/*.tiff"))
    for plane in planes:
        kept, made = tifffile.imread(sample / plane), tifffile.imread(remade / plane)
        np.testing.assert_array_equal(kept, made, err_msg=str(plane))


def test_every_table_is_remade(sample, remade, described):
    tables = sorted(path.relative_to(remade) for path in remade.rglob("*.csv"))
    assert len(tables) == 7
    for table in tables:
        assert (sample / table).read_text() == (remade / table).read_text(), table
    kept, made = (pd.read_parquet(folder / "screen.parquet") for folder in (sample, remade))
    pd.testing.assert_frame_equal(kept, made)
    assert json.loads((remade / "world.json").read_text())["sha256"] == described["sha256"]


def test_expression_is_remade(sample, remade):
    with h5py.File(sample / "l1000.gctx") as kept, h5py.File(remade / "l1000.gctx") as made:
        names: list[str] = []
        made.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
        assert names
        for name in names:
            np.testing.assert_array_equal(kept[name][()], made[name][()], err_msg=name)
