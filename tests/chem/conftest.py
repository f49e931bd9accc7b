import re

import pytest
import torch

_MINI = "[PAD] [UNK] [CLS] [SEP] C N O S F Cl Br c n o s ( ) = # 1 2 3 [nH] [C@H] [C@@H] [N+] [O-]"
_TOKEN = r"\[[^\]]+\]|Br|Cl|%\d\d|."


@pytest.fixture(scope="session")
def smiles_vocabulary(repository):
    """A published vocabulary of SMILES tokens where it is there, a short one otherwise."""
    path = repository.parent / "shared" / "real" / "tokenizers" / "smiles_vocab_deepchem.txt"
    words = path.read_text().split() if path.is_file() else _MINI.split()
    return {word: number for number, word in enumerate(dict.fromkeys(words))}


@pytest.fixture(scope="session")
def make_chemberta(tmp_path_factory, smiles_vocabulary):
    """A folder with a small random transformer over SMILES, as transformers saves it."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    def make(seed=0, positions=66, **fields):
        folder = tmp_path_factory.mktemp("chemberta") / f"chemberta-{seed}"
        backend = Tokenizer(models.WordLevel(smiles_vocabulary, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.Split(Regex(_TOKEN), "isolated")
        ends = [(token, smiles_vocabulary[token]) for token in ("[CLS]", "[SEP]")]
        backend.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, ends)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]",
            cls_token="[CLS]", sep_token="[SEP]",
        )  # fmt: skip
        tokenizer.save_pretrained(folder)
        torch.manual_seed(seed)
        config = RobertaConfig(
            **{
                "vocab_size": len(smiles_vocabulary), "hidden_size": 24, "num_hidden_layers": 2,
                "num_attention_heads": 3, "intermediate_size": 32,
                "max_position_embeddings": positions, "pad_token_id": smiles_vocabulary["[PAD]"],
            }
            | fields
        )  # fmt: skip
        RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def chemberta(make_chemberta):
    """One such folder, not to be changed."""
    return make_chemberta()


@pytest.fixture(scope="session")
def tokens_of(smiles_vocabulary):
    """Token numbers of a SMILES by a regular expression alone."""

    def tokens(smiles):
        unknown = smiles_vocabulary["[UNK]"]
        inner = [smiles_vocabulary.get(word, unknown) for word in re.findall(_TOKEN, smiles)]
        return [smiles_vocabulary["[CLS]"], *inner, smiles_vocabulary["[SEP]"]]

    return tokens
