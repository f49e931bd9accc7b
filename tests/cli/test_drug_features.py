import json
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from napari_tide.cli.main import app, main
from napari_tide.profiles.profiles import Profiles
from napari_tide.profiles.store import write_profiles
from tide_train.data.stored_fingerprints import StoredFingerprints


@pytest.fixture
def table(tmp_path):
    smiles = ["CCO", "c1ccccc1", "", "CCO"]
    metadata = pd.DataFrame(
        {
            "Metadata_Plate": "P",
            "Metadata_Well": ["A01", "A02", "A03", "A04"],
            "Metadata_Compound": ["ethanol", "benzene", "mystery", "ethanol"],
            "Metadata_SMILES": smiles,
        }
    )
    features = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    path = tmp_path / "profiles.parquet"
    write_profiles(Profiles(metadata, features, ("a", "b", "c")), path)
    return path


def test_the_drugs_of_a_table_are_written_once_each(table, tmp_path):
    out = tmp_path / "drugs.safetensors"
    words = ["drug-features", str(table), "--out", str(out), "--kind", "ecfp4", "--n-bits", "512"]
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    facts = json.loads(result.stdout)
    assert facts == {"out": str(out), "n_drugs": 2, "kind": "ecfp4", "n_bits": 512}
    stored = StoredFingerprints.read(out)
    assert stored.names == ("benzene", "ethanol")
    assert stored.values_RF.shape == (2, 512)
    assert stored.values_RF.any(axis=1).all()


@pytest.mark.parametrize(
    ("name", "said"), [("drugs.npz", "does not end in .safetensors"), ("d.safetensors", "--overw")]
)
def test_a_name_that_is_wrong_or_taken_is_refused(table, tmp_path, name, said, monkeypatch, capsys):
    (tmp_path / "d.safetensors").write_bytes(b"mine")
    arguments = ["tide", "drug-features", str(table), "--out", str(tmp_path / name)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert said in capsys.readouterr().err
    assert (tmp_path / "d.safetensors").read_bytes() == b"mine"
