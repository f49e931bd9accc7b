import json
import pickle
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from napari_tide import hub_folder
from napari_tide.chem.chemberta import open_molecule_encoder
from napari_tide.errors import HubFetchError, MoleculeEncoderFormatError

SMILES = ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "C[N+](C)(C)CC(=O)[O-]"]


@pytest.fixture
def copied(chemberta, tmp_path):
    return shutil.copytree(chemberta, tmp_path / "chemberta")


def test_embeddings_are_means_of_the_last_states_one_molecule_at_a_time(chemberta, tokens_of):
    from transformers import RobertaModel

    network = RobertaModel.from_pretrained(str(chemberta), add_pooling_layer=False).eval()
    expected = []
    with torch.inference_mode():
        for smiles in SMILES:
            states = network(input_ids=torch.tensor([tokens_of(smiles)])).last_hidden_state
            expected.append(states[0].mean(dim=0).numpy())
    found = open_molecule_encoder(chemberta).embed(SMILES, batch_molecules=3)
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-5)
    assert np.ptp(found, axis=0).min() > 1e-3  # molecules differ


def test_order_and_batches_do_not_matter(chemberta):
    encoder = open_molecule_encoder(chemberta)
    together = encoder.embed(SMILES)
    np.testing.assert_allclose(encoder.embed(SMILES[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_allclose(encoder.embed(SMILES, batch_molecules=1), together, atol=1e-5)
    assert encoder.embed([]).shape == (0, 24)


def test_long_smiles_are_cut_with_a_warning(make_chemberta):
    encoder = open_molecule_encoder(make_chemberta(positions=13))
    n_tokens = 13 - 1 - 0  # positions count from behind the padding token, number 0
    assert encoder.max_tokens == n_tokens
    chain = "C" * 40
    with pytest.warns(UserWarning, match=f"1 of 2 SMILES are longer than the {n_tokens} tokens"):
        found = encoder.embed(["CCO", chain])
    np.testing.assert_allclose(found[1], encoder.embed(["C" * (n_tokens - 2)])[0], atol=1e-5)


def test_a_folder_says_which_weights_it_holds(chemberta, make_chemberta):
    first, again, other = map(open_molecule_encoder, (chemberta, chemberta, make_chemberta(1)))
    assert first.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert (first.source, first.width) == ("chemberta-0", 24)


def test_pickled_weights_are_refused_and_never_opened(copied):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was executed",))

    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MoleculeEncoderFormatError, match=r"only pickled weights \(pytorch_model"):
        open_molecule_encoder(copied)


def test_a_pickle_renamed_to_safetensors_is_refused(copied):
    (copied / "model.safetensors").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(MoleculeEncoderFormatError, match="holds no transformer"):
        open_molecule_encoder(copied)


def test_a_missing_tensor_is_named_and_not_made_up(copied):
    tensors = load_file(copied / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, copied / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(MoleculeEncoderFormatError, match=r"layer\.1\.output\.dense\.weight"):
        open_molecule_encoder(copied)


def test_a_mis_shaped_tensor_is_refused(copied):
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | {"intermediate_size": 40}))
    with pytest.raises(MoleculeEncoderFormatError, match="holds no transformer"):
        open_molecule_encoder(copied)


def test_code_of_the_folder_is_not_run(copied):
    config = json.loads((copied / "config.json").read_text())
    config |= {"auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Evil"}}
    config["model_type"] = "evil"
    (copied / "config.json").write_text(json.dumps(config))
    (copied / "evil.py").write_text("raise SystemExit('the code was run')")
    with pytest.raises(MoleculeEncoderFormatError, match="holds no"):
        open_molecule_encoder(copied)


def test_a_tokenizer_of_another_vocabulary_is_refused(make_chemberta):
    with pytest.raises(MoleculeEncoderFormatError, match="do not belong together"):
        open_molecule_encoder(make_chemberta(2, vocab_size=20, pad_token_id=0))


def test_a_folder_without_a_transformer_says_what_is_needed(tmp_path, copied):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(MoleculeEncoderFormatError, match=r"has no config\.json"):
            open_molecule_encoder(folder)
    (copied / "model.safetensors").unlink()
    with pytest.raises(MoleculeEncoderFormatError, match=r"has none; save them"):
        open_molecule_encoder(copied)


def test_a_missing_tokenizer_is_named(copied):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copied / name).unlink()
    with pytest.raises(MoleculeEncoderFormatError, match="does not know SMILES"):
        open_molecule_encoder(copied)
    (copied / "tokenizer.json").write_text("{")
    with pytest.raises(MoleculeEncoderFormatError, match="holds no tokenizer"):
        open_molecule_encoder(copied)


def test_opening_prints_nothing(chemberta, capfd):
    open_molecule_encoder(chemberta)
    assert capfd.readouterr() == ("", "")


def test_only_what_is_named_with_hub_is_downloaded(chemberta, monkeypatch, tmp_path):
    asked = []

    def fetch(hub_id, *, patterns):
        asked.append((hub_id, patterns))
        return chemberta

    monkeypatch.setattr("napari_tide.chem.chemberta.fetch_folder", fetch)
    encoder = open_molecule_encoder("hub:someone/chemberta")
    assert encoder.source == "hub:someone/chemberta"
    assert asked == [("someone/chemberta", ("*.json", "*.safetensors", "*.txt"))]
    with pytest.raises(MoleculeEncoderFormatError, match=r"has no config\.json"):
        open_molecule_encoder("someone/chemberta")  # a folder that is not there
    assert len(asked) == 1


def test_what_the_hub_has_not_is_one_sentence(monkeypatch, tmp_path):
    with pytest.raises(HubFetchError, match="is no name on the Hub"):
        hub_folder.fetch_folder("not a name", patterns=["*"], cache=tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubFetchError, match="someone/nothing could not be fetched"):
        hub_folder.fetch_folder("someone/nothing", patterns=["*"], cache=tmp_path)
