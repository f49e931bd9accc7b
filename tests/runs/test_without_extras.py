"""A machine that only trains: no RDKit, no napari, none of what the docks and readers need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import write_profiles
from napari_tide.students.bundle import load_bundle
from tide_train.data.stored_fingerprints import MOLECULES, StoredFingerprints

BLOCKED = [
    "anndata",
    "copairs",
    "dask",
    "distributed",
    "imagecodecs",
    "magicgui",
    "napari",
    "numba",
    "psygnal",
    "pycytominer",
    "pyqtgraph",
    "qtpy",
    "rdkit",
    "skimage",
    "superqt",
    "tifffile",
    "typer",
    "umap",
]
RUN = f"""
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
from tide_train.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def train_without_extras(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=600,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done, events


def small(**settings):
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


@pytest.fixture(scope="module")
def table(sample_pack, tmp_path_factory):
    """A table of profiles with the drugs of the bundled plate, forty features each."""
    tiles = pd.read_parquet(sample_pack / "metadata.parquet")
    columns = ["Metadata_Plate", "Metadata_Well", "Metadata_Compound", "Metadata_SMILES"]
    columns += ["Metadata_Control", "Metadata_Dose_uM", "Metadata_Cell_Line"]
    metadata = tiles[[name for name in columns if name in tiles]].reset_index(drop=True)
    features = np.random.default_rng(0).normal(size=(len(metadata), 40)).astype(np.float32)
    path = tmp_path_factory.mktemp("table") / "profiles.parquet"
    names = tuple(f"f{i}" for i in range(40))
    write_profiles(Profiles(metadata, features, names, "tile"), path)
    return path


def test_tide_trains_on_a_pack_without_rdkit(sample_pack, sample_l1000, tmp_path):
    out = tmp_path / "run"
    settings = small(n_steps=2, log_every=1, batch_size=16, **{"validation.n_times": 1})
    settings += small(**{"encoder.size": "micro", "encoder.depth": 1, "encoder.patch_px": 8})
    settings += small(**{"rna.scfm": "none", "method.ssl.n_outputs": 64, "crops.n_local": 1})
    done, events = train_without_extras(
        "tide", "--data", sample_pack, "--l1000", sample_l1000, "--out", out, *settings
    )
    assert done.returncode == 0, done.stderr
    assert events[-1]["event"] == "done"
    student = load_bundle(out / "student").student
    names = [drug.name for drug in load_bundle(out / "student").config.drugs]
    known = StoredFingerprints.read(sample_pack / MOLECULES)
    bits = student.codebook.features_KF.numpy()
    assert bits.any(axis=1).all()
    for name, row in zip(names, bits, strict=True):
        np.testing.assert_array_equal(row, known.values_RF[known.names.index(name)])


def test_tide_features_trains_on_a_table_without_rdkit(table, sample_l1000, tmp_path, sample_pack):
    settings = small(n_steps=2, log_every=1, batch_size=16, **{"validation.n_times": 1})
    arguments = ("--data", table, "--l1000", sample_l1000, *settings)
    done, events = train_without_extras("tide_features", *arguments, "--out", tmp_path / "no")
    assert done.returncode == 2
    assert "install rdkit, give fingerprints" in events[-1]["message"]
    file = tmp_path / "drugs.safetensors"
    StoredFingerprints.of_metadata(pd.read_parquet(sample_pack / "metadata.parquet")).write(file)
    source = small(**{"drugs.source": file})
    done, events = train_without_extras(
        "tide_features", *arguments, *source, "--out", tmp_path / "run"
    )
    assert done.returncode == 0, done.stderr
    assert load_bundle(tmp_path / "run" / "student").student.codebook.features_KF.any()
