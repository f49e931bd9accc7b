import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_tide.chem.feature_settings import FingerprintSettings
from napari_tide.errors import CheckpointFormatError, OutputExistsError, TrainValueError
from napari_tide.transcriptomes.expression_table import ExpressionTable
from tide_train.data.expression_inputs import expression_inputs
from tide_train.nets.dose_encoding import DoseScale
from tide_train.nets.response_predictor import PredictorConfig, ResponsePredictor
from tide_train.nets.scfm import Scfm, scfm_from_checkpoint
from tide_train.nets.scfm_folder import load_scfm, read_scfm_config, save_scfm
from tide_train.nets.scgpt import ScGPT, ScGPTConfig

GENES = tuple(f"G{i}" for i in range(12))
FEATURES = FingerprintSettings(n_bits=16)
DOSES = DoseScale(-2.0, 1.0)


def make_predictor():
    torch.manual_seed(0)
    encoder = ScGPT.from_scratch(ScGPTConfig(embsize=8, nheads=2, nlayers=1, d_hid=8), GENES)
    sizes = PredictorConfig(n_genes=12, n_features=16, drug_width=5, dose_width=3, hidden=7)
    predictor = ResponsePredictor(encoder, sizes)
    predictor.centre_G.uniform_(4, 8)
    return predictor.eval()


@pytest.fixture
def folder(tmp_path):
    save_scfm(
        tmp_path / "scfm", make_predictor(), genes=GENES, dose_scale=DOSES, features=FEATURES,
        training={"seed": 3},
    )  # fmt: skip
    return tmp_path / "scfm"


def profiles(n, seed=0):
    return np.random.default_rng(seed).uniform(3, 15, (n, 12)).astype(np.float32)


def untreated(level="3", control="negcon"):
    samples = pd.DataFrame(
        {
            "compound": ["DMSO", "DMSO", "DMSO", "taxol"],
            "cell_line": ["A", "B", "A", "A"],
            "dose_um": [np.nan, np.nan, np.nan, 1.0],
            "control": [control] * 3 + [""],
            "smiles": "",
            "plate": "P",
            "n_replicates": np.nan,
        },
        index=list("wxyz"),
    )
    genes = pd.DataFrame({"symbol": GENES}, index=GENES)
    return expression_inputs([ExpressionTable(profiles(4), samples, genes, level)])


def test_a_saved_scfm_encodes_and_predicts_what_it_did(folder):
    before, after = Scfm.of(make_predictor(), DOSES), load_scfm(folder)
    assert (after.dim, after.dose_dim, after.is_fine_tuned) == (8, 3, True)
    basal, doses = profiles(3), [0.01, 1.0, np.nan]
    assert torch.equal(after.cell_encoding(basal, GENES), before.cell_encoding(basal, GENES))
    assert torch.equal(after.encode_dose(doses), before.encode_dose(doses))
    given = torch.rand(2, 8), torch.rand(2, 16), torch.rand(2)
    assert torch.equal(after.predictor(*given), before.predictor(*given))
    config = read_scfm_config(folder)
    assert (config.genes, config.features, config.training) == (GENES, FEATURES, {"seed": 3})


def test_encodings_are_of_length_one_and_frozen(folder):
    scfm = load_scfm(folder)
    rows = scfm.cell_encoding(profiles(3), GENES)
    assert torch.allclose(rows.norm(dim=1), torch.ones(3))
    assert torch.equal(scfm.cell_encoding(profiles(3)[1], GENES), rows[1])
    assert not rows.requires_grad
    assert not scfm.encode_dose([1.0]).requires_grad
    assert not any(parameter.requires_grad for parameter in scfm.encoder.parameters())


def test_a_dose_goes_through_the_layer_on_the_scale_of_training(folder):
    scfm = load_scfm(folder)
    found = scfm.encode_dose([0.1, 100.0])
    weight, bias = scfm.dose_layer.weight[:, 0], scfm.dose_layer.bias
    # 0.1 uM is a third of the way from 0.01 to 10 uM; 100 uM is beyond and clipped
    assert torch.allclose(found[0], weight / 3 + bias)
    assert torch.allclose(found[1], weight + bias)


def test_a_line_is_the_mean_of_its_controls(folder):
    scfm, inputs = load_scfm(folder), untreated()
    encodings = scfm.cell_encodings(inputs)
    assert list(encodings) == ["A", "B"]
    rows = scfm.cell_encoding(profiles(4), GENES)
    assert torch.allclose(encodings["A"], (rows[0] + rows[2]) / 2)
    assert torch.allclose(encodings["B"], rows[1])


def test_lines_without_untreated_expression_are_refused(folder):
    scfm = load_scfm(folder)
    with pytest.raises(TrainValueError, match="hold level 4; give level 3 files"):
        scfm.cell_encodings(untreated(level="4"))
    with pytest.raises(TrainValueError, match="hold no DMSO sample"):
        scfm.cell_encodings(untreated(control=""))


def test_the_gradient_of_a_shared_profile_reaches_the_encoder():
    predictor = make_predictor()
    tokens = predictor.encoder.tokens(profiles(2), GENES)
    cell = predictor.encode_basal(
        torch.from_numpy(tokens.ids_BT), torch.from_numpy(tokens.values_BT)
    )
    shared = cell[torch.tensor([0, 0, 1, 0])]
    predictor(shared, torch.rand(4, 16), torch.rand(4)).square().mean().backward()
    assert predictor.encoder.value_encoder.linear1.weight.grad.abs().sum() > 0
    assert predictor.dose_layer.weight.grad.abs().sum() > 0


def test_an_official_checkpoint_serves_without_fine_tuning(tmp_path):
    encoder = make_predictor().encoder
    vocabulary = encoder.vocabulary
    (tmp_path / "args.json").write_text(encoder.config.model_dump_json())
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    torch.save(encoder.state_dict(), tmp_path / "best_model.pt")
    scfm = scfm_from_checkpoint(tmp_path, np.array([0.1, 10.0]), seed=1)
    again = scfm_from_checkpoint(tmp_path, np.array([0.1, 10.0]), seed=1)
    other = scfm_from_checkpoint(tmp_path, np.array([0.1, 10.0]), seed=2)
    assert not scfm.is_fine_tuned
    np.testing.assert_array_equal(
        scfm.cell_encoding(profiles(2), GENES).numpy(), encoder.embed(profiles(2), GENES)
    )
    assert torch.equal(scfm.encode_dose([1.0]), again.encode_dose([1.0]))
    assert not torch.equal(scfm.encode_dose([1.0]), other.encode_dose([1.0]))


def test_a_folder_is_not_overwritten_unasked(folder):
    with pytest.raises(OutputExistsError, match="scfm exists already"):
        save_scfm(folder, make_predictor(), genes=GENES, dose_scale=DOSES, features=FEATURES)
    again = {"genes": GENES, "dose_scale": DOSES, "features": FEATURES, "overwrite": True}
    assert save_scfm(folder, make_predictor(), **again) == read_scfm_config(folder)


def edit(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def resigned(folder, tensors):
    import hashlib

    save_file(tensors, folder / "model.safetensors")
    edit(folder, sha256=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest())


def test_tampered_weights_are_refused_by_name(folder):
    weights = folder / "model.safetensors"
    original = load_file(weights)
    save_file({name: value + 1 for name, value in original.items()}, weights)
    with pytest.raises(CheckpointFormatError, match=r"safetensors is not the file .* SHA-256"):
        load_scfm(folder)
    resigned(folder, {**original, "dose_layer.bias": torch.zeros(4), "spy": torch.zeros(1)})
    with pytest.raises(
        CheckpointFormatError,
        match=r"spy does not belong there; dose_layer.bias is \(4,\), expected \(3,\)",
    ):
        load_scfm(folder)
    resigned(folder, {name: value for name, value in original.items() if name != "scale_G"})
    with pytest.raises(CheckpointFormatError, match="scale_G is missing"):
        load_scfm(folder)
    resigned(folder, {**original, "scale_G": torch.full((12,), torch.nan)})
    with pytest.raises(CheckpointFormatError, match=r"scale_G holds .* not finite"):
        load_scfm(folder)
    weights.write_bytes(b"no tensors")
    import hashlib

    edit(folder, sha256=hashlib.sha256(b"no tensors").hexdigest())
    with pytest.raises(CheckpointFormatError, match="is not a safetensors file"):
        load_scfm(folder)
    weights.unlink()
    with pytest.raises(CheckpointFormatError, match=r"has no model\.safetensors"):
        load_scfm(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_version": 2}, "format_version 2, this napari-tide reads 1"),
        ({"spy": 1}, "spy: Extra inputs"),
        ({"genes": GENES[:3]}, "3 genes, 12 predicted"),
        ({"vocabulary": {"<cls>": 0, "G0": 1}}, "lacks <cls> or <pad>"),
        ({"vocabulary": {"<cls>": 0, "<pad>": 0}}, "two tokens .* have one number"),
        ({"vocabulary": {"<cls>": 0, "<pad>": 10**12}}, "encoder.embedding.weight is"),
        ({"encoder": {"embsize": 9, "nheads": 2, "nlayers": 1, "d_hid": 8}}, "no multiple of"),
        ({"features": {"kind": "fcfp4", "n_bits": 32}}, "more or fewer features"),
        ({"lowest_log10_um": 5.0}, "lowest dose lies above"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_tampered_configuration_is_refused_by_name(folder, changes, said):
    edit(folder, **changes)
    with pytest.raises(CheckpointFormatError, match=said):
        load_scfm(folder)


def test_what_is_no_scfm_is_refused(tmp_path, folder):
    with pytest.raises(CheckpointFormatError, match=r"is no scFM: it has no config\.json"):
        load_scfm(tmp_path)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointFormatError, match="is not readable JSON"):
        load_scfm(folder)
