import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from napari_tide.discovery.signature_query import load_signature_encoder, read_signature
from napari_tide.errors import BundleFormatError, ExpressionValueError, StudentValueError
from napari_tide.transcriptomes.expression_table import ExpressionTable
from napari_tide.transcriptomes.gctx_writer import write_gctx

GENES = ["A", "B", "C", "D", "E"]


@pytest.fixture
def layers():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.GELU(), torch.nn.Linear(7, 3))


@pytest.fixture
def adapter(tmp_path, layers):
    folder = tmp_path / "bundle" / "rna_adapter"
    folder.mkdir(parents=True)
    tensors = {
        f"layers.{number}.{part}": getattr(layers[2 * number], part).detach()
        for number in range(2)
        for part in ("weight", "bias")
    }
    save_file(
        tensors | {"mean": torch.ones(5), "scale": 2 * torch.ones(5)},
        folder / "adapter.safetensors",
    )
    config = {"format_version": 1, "genes": GENES, "n_layers": 2, "width": 3, "student": "s-1"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_an_adapter_embeds_as_its_network_does_with_genes_by_name(adapter, layers):
    values = np.random.default_rng(0).standard_normal((2, 5)).astype(np.float32)
    with torch.inference_mode():
        expected = layers((torch.from_numpy(values) - 1) / 2).numpy()
    for folder in (adapter, adapter.parent):
        encoder = load_signature_encoder(folder)
        assert encoder.student == "s-1"
        np.testing.assert_allclose(encoder.embed(values, GENES), expected, rtol=1e-5)
    order = [3, 1, 0, 4, 2]
    turned = encoder.embed(values[:, order], [GENES[i].lower() for i in order])
    np.testing.assert_allclose(turned, expected, rtol=1e-5)


def test_a_missing_gene_counts_as_the_mean(adapter, layers):
    encoder = load_signature_encoder(adapter)
    values = np.array([[1.0, 2, 3, 4, 1.0]], np.float32)
    np.testing.assert_allclose(
        encoder.embed(values[:, :4], GENES[:4]), encoder.embed(values, GENES), rtol=1e-5
    )
    with pytest.raises(ExpressionValueError, match="3 of the adapter's 5 genes"):
        encoder.embed(values[:, :2], GENES[:2])


def test_a_bundle_without_adapter_says_how_to_get_one(tmp_path):
    with pytest.raises(StudentValueError, match=r"no adapter for expression.*semi_clipped"):
        load_signature_encoder(tmp_path)


def test_a_damaged_adapter_is_refused(adapter):
    config = json.loads((adapter / "config.json").read_text())
    (adapter / "config.json").write_text(json.dumps(config | {"n_layers": 3}))
    with pytest.raises(BundleFormatError, match="layer 2 does not fit"):
        load_signature_encoder(adapter)
    (adapter / "config.json").write_text(json.dumps(config | {"other": 1}))
    with pytest.raises(BundleFormatError, match="does not describe an adapter"):
        load_signature_encoder(adapter)
    (adapter / "config.json").write_text(json.dumps(config))
    (adapter / "adapter.safetensors").write_bytes(b"no")
    with pytest.raises(BundleFormatError, match="not a safetensors file"):
        load_signature_encoder(adapter)


def test_a_signature_is_chosen_by_name_where_a_file_holds_several(tmp_path):
    path = tmp_path / "signatures.tsv"
    path.write_text("id\tA\tB\nx\t1\t2\ny\t3\t4\n")
    values, genes = read_signature(path, sample="y")
    assert values.tolist() == [[3, 4]]
    assert genes == ["A", "B"]
    with pytest.raises(ExpressionValueError, match="holds 2 signatures; choose one with --sample"):
        read_signature(path)
    with pytest.raises(ExpressionValueError, match="no signature 'z'"):
        read_signature(path, sample="z")


def test_all_signatures_of_a_matrix_are_counted_and_any_can_be_chosen(tmp_path):
    ids, values = [f"s{i}" for i in range(7)], np.arange(14, dtype=np.float32).reshape(7, 2)
    samples = pd.DataFrame({"compound": ids, "cell_line": "A549"}, index=pd.Index(ids, name="cid"))
    samples = samples.assign(dose_um=1.0, smiles="", control="", plate="", batch="", n_replicates=1)
    genes = pd.DataFrame({"symbol": ["A", "B"], "is_landmark": True})
    genes.index = pd.Index(["A", "B"], name="rid")
    write_gctx(ExpressionTable(values, samples, genes, "5"), tmp_path / "s.gctx")
    with pytest.raises(ExpressionValueError, match=r"holds 7 signatures; .* such as s0, s1, s2"):
        read_signature(tmp_path / "s.gctx")
    with pytest.raises(ExpressionValueError, match="has no signature 'x'; choose one"):
        read_signature(tmp_path / "s.gctx", sample="x")
    found, symbols = read_signature(tmp_path / "s.gctx", sample="s6")
    np.testing.assert_array_equal(found, [[12, 13]])
    assert symbols == ["A", "B"]
