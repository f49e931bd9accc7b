import json
import shutil

import numpy as np
import pytest
import torch

from napari_tide.errors import CheckpointFormatError, ExpressionValueError
from tide_train.nets.scgpt import ScGPT, ScGPTConfig, load_scgpt
from tide_train.nets.scgpt_tokens import bin_values


@pytest.fixture(scope="module")
def official(oracles):
    return dict(np.load(oracles / "scgpt" / "embed.npz", allow_pickle=False))


@pytest.fixture
def checkpoint(oracles, tmp_path):
    return shutil.copytree(oracles / "scgpt" / "ckpt_torch", tmp_path / "checkpoint")


@pytest.mark.parametrize("layout", ["torch", "flash"])
def test_embeddings_are_the_official_ones_in_both_layouts(oracles, official, layout):
    encoder = load_scgpt(oracles / "scgpt" / f"ckpt_{layout}")
    found = encoder.embed(official["X"], list(official["gene_names"]))
    np.testing.assert_allclose(found, official[f"official_embed_ckpt_{layout}"], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_tokens_and_encoder_output_are_the_official_ones(oracles, official):
    encoder = load_scgpt(oracles / "scgpt" / "ckpt_torch")
    tokens = encoder.tokens(official["X"], list(official["gene_names"]))
    np.testing.assert_array_equal(tokens.ids_BT, official["token_ids"])
    np.testing.assert_array_equal(tokens.values_BT, official["token_values"])
    with torch.inference_mode():
        output = encoder(torch.from_numpy(tokens.ids_BT), torch.from_numpy(tokens.values_BT))
    is_gene = tokens.ids_BT != encoder.vocabulary["<pad>"]
    np.testing.assert_allclose(
        output.numpy()[is_gene], official["official_encoder_output"][is_gene], atol=1e-5
    )
    np.testing.assert_allclose(output[:, 0], official["official_cls_raw"], atol=1e-5)


def test_bins_are_the_official_ones_where_those_are_not_drawn_at_random(official):
    rows, expected = official["binning_in"], official["official_binning_out_npseed11"]
    for row, bins in zip(rows, expected, strict=True):
        if not row.any():
            assert not bin_values(row).any()
            continue
        _, counts = np.unique(row[row != 0], return_counts=True)
        found = bin_values(row)
        if counts.max() == 1:
            np.testing.assert_array_equal(found, bins)
        else:
            present = row[row != 0]
            edges = np.quantile(present, np.linspace(0, 1, 50))
            low, high = np.digitize(row, edges, right=True) + 1, np.digitize(row, edges)
            inside = (found >= np.minimum(low, high)) & (found <= high)
            assert inside[row != 0].all()
            assert (found == bin_values(row)).all()


def test_profiles_do_not_depend_on_what_is_beside_them(oracles, official):
    encoder = load_scgpt(oracles / "scgpt" / "ckpt_torch")
    genes = list(official["gene_names"])
    together = encoder.embed(official["X"], genes)
    alone = np.concatenate([encoder.embed(official["X"][i : i + 1], genes) for i in range(7)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_profile_without_expression_has_an_embedding_of_its_own(oracles, official):
    encoder = load_scgpt(oracles / "scgpt" / "ckpt_torch")
    found = encoder.embed(np.zeros((2, 60), np.float32), list(official["gene_names"]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], found[1])


def test_a_missing_mis_shaped_or_unknown_key_is_named(checkpoint):
    path = checkpoint / "best_model.pt"
    weights = torch.load(path, weights_only=True)
    norm = "transformer_encoder.layers.1.norm2.bias"
    for changed, message in (
        ({k: v for k, v in weights.items() if k != norm}, f"{norm} is missing"),
        (weights | {norm: torch.zeros(3)}, r"norm2.bias is \(3,\), expected \(32,\)"),
        (weights | {"bn.weight": torch.zeros(3)}, "bn.weight is unknown"),
    ):
        torch.save(changed, path)
        with pytest.raises(CheckpointFormatError, match=message):
            load_scgpt(checkpoint)


def test_a_damaged_folder_is_refused_by_file(checkpoint):
    (checkpoint / "best_model.pt").write_bytes(b"not weights")
    with pytest.raises(CheckpointFormatError, match=r"best_model\.pt cannot be read as plain"):
        load_scgpt(checkpoint)
    (checkpoint / "vocab.json").write_text(json.dumps({"A": 1}))
    with pytest.raises(CheckpointFormatError, match=r"vocab\.json is no vocabulary"):
        load_scgpt(checkpoint)
    (checkpoint / "args.json").unlink()
    with pytest.raises(CheckpointFormatError, match=r"args\.json cannot be read"):
        load_scgpt(checkpoint)


def test_genes_that_do_not_fit_are_refused():
    config = ScGPTConfig(embsize=8, nheads=2, nlayers=1, d_hid=8)
    encoder = ScGPT.from_scratch(config, ["A", "B"])
    with pytest.raises(ExpressionValueError, match="2 columns of expression, but 1"):
        encoder.embed(np.ones((1, 2)), ["A"])
    with pytest.raises(ExpressionValueError, match="none of 2 genes"):
        encoder.embed(np.ones((1, 2)), ["X", "Y"])
    with pytest.raises(ExpressionValueError, match="missing or infinite"):
        encoder.embed(np.array([[np.nan, 1.0]]), ["A", "B"])
    assert encoder.embed(np.ones((3, 2)), ["B", "unknown"]).shape == (3, 8)


def test_long_profiles_keep_a_repeatable_sample():
    config = ScGPTConfig(embsize=8, nheads=2, nlayers=1, d_hid=8, max_seq_len=10)
    genes = [f"G{i}" for i in range(40)]
    encoder = ScGPT.from_scratch(config, genes)
    row = np.random.default_rng(0).random((1, 40)) + 0.1
    first, second = encoder.tokens(row, genes), encoder.tokens(row, genes)
    assert first.ids_BT.shape == (1, 10)
    np.testing.assert_array_equal(first.ids_BT, second.ids_BT)
