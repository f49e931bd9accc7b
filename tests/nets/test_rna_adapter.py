import json
import math

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from napari_tide.errors import OutputWriteError
from tide_train.nets.rna_adapter import RnaAdapter, write_adapter

GENES = ("TP53", "MYC", "EGFR")


def make_adapter(**settings):
    torch.manual_seed(0)
    adapter = RnaAdapter((3, 5, 4, 2), **settings)
    adapter.standardise_by(torch.randn(9, 3) * 3 + 1)
    return adapter.eval()


def write(adapter, folder, **settings):
    back = settings.pop("back_PD", torch.eye(2))
    options = {"genes": GENES, "student": "s-1", "card": "# card", **settings}
    write_adapter(adapter, folder, back_PD=back, **options)


def slow_gelu(x):
    return 0.5 * x * (1 + math.erf(x / math.sqrt(2)))


def slow_embedding(folder, row):
    """The format's own words, a number at a time: standardise, layers, GELU between them."""
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "adapter.safetensors")
    values = [(x - m) / s for x, m, s in zip(row, tensors["mean"], tensors["scale"], strict=True)]
    for layer in range(config["n_layers"]):
        if layer:
            values = [slow_gelu(x) for x in values]
        weight, bias = (tensors[f"layers.{layer}.{part}"] for part in ("weight", "bias"))
        values = [
            sum(w * x for w, x in zip(weights, values, strict=True)) + b
            for weights, b in zip(weight, bias, strict=True)
        ]
    assert len(values) == config["width"]
    return np.array(values)


def test_the_written_folder_embeds_as_the_network_does(tmp_path):
    adapter = make_adapter(dropout=0.5)
    write(adapter, tmp_path / "rna_adapter")
    rows = torch.randn(4, 3)
    expected = adapter(rows).detach().numpy()
    found = [slow_embedding(tmp_path / "rna_adapter", row) for row in rows.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_way_back_to_the_profiles_is_part_of_the_last_layer(tmp_path):
    adapter, back = make_adapter(), torch.randn(2, 6)
    write(adapter, tmp_path / "a", back_PD=back)
    rows = torch.randn(4, 3)
    expected = (adapter(rows) @ back).detach().numpy()
    found = [slow_embedding(tmp_path / "a", row) for row in rows.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_configuration_has_the_fields_of_the_format(tmp_path):
    write(make_adapter(), tmp_path / "a")
    assert json.loads((tmp_path / "a" / "config.json").read_text()) == {
        "format_version": 1,
        "kind": "mlp",
        "genes": list(GENES),
        "n_layers": 3,
        "width": 2,
        "student": "s-1",
        "activation": "gelu",
        "space": "profiles",
        "tau": None,
    }
    assert (tmp_path / "a" / "README.md").read_text() == "# card"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_reader_of_queries_agrees(tmp_path):
    reader = pytest.importorskip("napari_tide.discovery.signature_query")
    adapter = make_adapter()
    write(adapter, tmp_path / "rna_adapter")
    encoder = reader.load_signature_encoder(tmp_path)
    rows = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    found = encoder.embed(rows[:, ::-1], GENES[::-1])
    np.testing.assert_allclose(found, adapter(torch.from_numpy(rows)).detach().numpy(), rtol=1e-4)


def test_a_folder_that_is_there_is_replaced_and_one_that_cannot_be_written_is_told(tmp_path):
    write(make_adapter(), tmp_path / "a")
    write(make_adapter(), tmp_path / "a", card="# new")
    assert (tmp_path / "a" / "README.md").read_text() == "# new"
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputWriteError, match=r"cannot write .*make room there"):
        write(make_adapter(), tmp_path / "file" / "a")
