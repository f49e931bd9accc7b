"""The scGPT encoder, and loading it from an official checkpoint folder.

Written from the published facts (Cui et al. 2024; METHOD of this project): gene embedding plus a
continuous value embedding, a post-norm ReLU transformer, token 0 as the profile's embedding.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import nn
from torch.nn import functional

from napari_tide.errors import CheckpointFormatError
from tide_train.nets.scgpt_tokens import CLS, PAD, Tokens, tokenise

_MAX_VALUE = 512.0
_SHARPER = (
    3.0  # 1, 3, 6 and 10 were tried: lines 0.003, 0.14, 0.18, 0.18 apart, replicates the half
)
# heads of pretraining, which an encoder does without
_HEADS = ("decoder.", "cls_decoder.", "mvc_decoder.", "flag_encoder.", "sim.")


class ScGPTConfig(BaseModel):
    """The part of an official ``args.json`` that an encoder needs."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    embsize: int = Field(gt=0)
    nheads: int = Field(gt=0)
    nlayers: int = Field(gt=0, le=512)
    d_hid: int = Field(gt=0)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    n_bins: int = Field(default=51, gt=2)
    max_seq_len: int = Field(default=1200, gt=1)

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> Self:
        if self.embsize % self.nheads:
            message = f"embsize {self.embsize} is no multiple of nheads {self.nheads}"
            raise ValueError(message)
        return self


class _GeneEncoder(nn.Module):
    def __init__(self, n_tokens: int, width: int, padding: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, width, padding_idx=padding)
        self.enc_norm = nn.LayerNorm(width)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.enc_norm(self.embedding(ids_BT))
        return normed


class _ValueEncoder(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(1, width)
        self.linear2 = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values_BT: torch.Tensor) -> torch.Tensor:
        clipped_BT1 = values_BT.clamp(max=_MAX_VALUE)[..., None]
        hidden_BTD = self.linear2(functional.relu(self.linear1(clipped_BT1)))
        encoded: torch.Tensor = self.dropout(self.norm(hidden_BTD))
        return encoded


class ScGPT(nn.Module):
    """Gene tokens and binned values in, one embedding per profile out."""

    def __init__(self, config: ScGPTConfig, vocabulary: Mapping[str, int]) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = dict(vocabulary)
        width = config.embsize
        n_tokens = max(self.vocabulary.values()) + 1
        self.encoder = _GeneEncoder(n_tokens, width, self.vocabulary[PAD])
        self.value_encoder = _ValueEncoder(width, config.dropout)
        layer = nn.TransformerEncoderLayer(
            width, config.nheads, config.d_hid, config.dropout, batch_first=True
        )
        self.transformer_encoder = nn.TransformerEncoder(
            layer, config.nlayers, enable_nested_tensor=False
        )

    @classmethod
    def from_scratch(cls, config: ScGPTConfig, genes: Sequence[str]) -> Self:
        """Build an untrained encoder for some genes: the default where no checkpoint is given.

        Its attention starts sharper than usual. Bins by quantile give every profile the same
        values, only on other genes; attention that starts uniform averages that away, and profiles
        of two cell lines come out 0.003 apart (on rows of length one; 0.14 with this start).
        """
        names = [*dict.fromkeys(genes), PAD, CLS]
        encoder = cls(config, {name: number for number, name in enumerate(names)})
        with torch.no_grad():
            for name, weight in encoder.named_parameters():
                if name.endswith("self_attn.in_proj_weight"):
                    weight[: 2 * config.embsize] *= _SHARPER
        return encoder

    def forward(self, ids_BT: torch.Tensor, values_BT: torch.Tensor) -> torch.Tensor:
        """Give every token's output; token 0 stands for the profile."""
        is_padding_BT = ids_BT == self.vocabulary[PAD]
        tokens_BTD = self.encoder(ids_BT) + self.value_encoder(values_BT)
        encoded: torch.Tensor = self.transformer_encoder(
            tokens_BTD, src_key_padding_mask=is_padding_BT
        )
        return encoded

    def tokens(self, expression_BG: npt.NDArray[np.floating], genes: Sequence[str]) -> Tokens:
        """Tokenise raw expression with this encoder's vocabulary."""
        return tokenise(
            expression_BG,
            genes,
            self.vocabulary,
            n_bins=self.config.n_bins,
            max_tokens=self.config.max_seq_len,
        )

    def embed(
        self, X: npt.NDArray[np.floating], genes: Sequence[str], *, batch_size: int = 64
    ) -> npt.NDArray[np.float32]:
        """Embed raw expression (profiles x genes), one row of length one per profile."""
        device = self.encoder.embedding.weight.device
        was_training = self.training
        self.eval()
        rows = []
        with torch.inference_mode():
            for start in range(0, len(X), batch_size):
                tokens = self.tokens(X[start : start + batch_size], genes)
                ids_BT = torch.from_numpy(tokens.ids_BT).to(device)
                values_BT = torch.from_numpy(tokens.values_BT).to(device)
                first_BD = self(ids_BT, values_BT)[:, 0]
                rows.append(functional.normalize(first_BD, dim=1).float().cpu().numpy())
        self.train(was_training)
        return np.concatenate(rows) if rows else np.zeros((0, self.config.embsize), np.float32)


def load_scgpt(folder: Path | str) -> ScGPT:
    """Load an official checkpoint folder (``args.json``, ``vocab.json``, ``best_model.pt``).

    Both namings of the attention weights are understood. Every key of the encoder must be there
    with its shape; keys of pretraining heads are left aside, any other key is refused.

    Raises
    ------
    CheckpointFormatError
        A file or key is missing, mis-shaped or unknown.
    """
    where = Path(folder)
    config = _read_config(where / "args.json")
    vocabulary = _read_vocabulary(where / "vocab.json")
    encoder = ScGPT(config, vocabulary)
    found = _rename_attention(_read_weights(where / "best_model.pt"))
    expected = encoder.state_dict()
    wanted = {name: value for name, value in found.items() if not name.startswith(_HEADS)}
    _check_keys(expected, wanted, where / "best_model.pt")
    encoder.load_state_dict(wanted)
    return encoder.eval()


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read ({error}); give an official scGPT checkpoint folder"
        raise CheckpointFormatError(message) from error


def _read_config(path: Path) -> ScGPTConfig:
    try:
        return ScGPTConfig.model_validate(_read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}".replace(": :", ":")
        raise CheckpointFormatError(message) from error


def _read_vocabulary(path: Path) -> dict[str, int]:
    raw = _read_json(path)
    is_mapping = isinstance(raw, dict) and all(isinstance(value, int) for value in raw.values())
    if not is_mapping or not {CLS, PAD} <= set(raw):  # type: ignore[call-overload]
        message = f"{path} is no vocabulary; expected gene symbols with numbers, {CLS} and {PAD}"
        raise CheckpointFormatError(message)
    assert isinstance(raw, dict)
    return raw


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        message = f"{path} cannot be read as plain weights ({reason}); download it again"
        raise CheckpointFormatError(message) from error
    weights = loaded.get("model_state_dict", loaded) if isinstance(loaded, dict) else None
    if weights is None or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        message = f"{path} holds no tensors by name; expected an scGPT state dict"
        raise CheckpointFormatError(message)
    return weights


def _rename_attention(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give the flash-attention names (``Wqkv.weight``) their ordinary ones (``in_proj_weight``)."""
    return {name.replace("Wqkv.", "in_proj_"): value for name, value in weights.items()}


def _check_keys(
    expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor], path: Path
) -> None:
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [f"{name} is unknown" for name in found if name not in expected]
    problems += [
        f"{name} is {tuple(found[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in found and found[name].shape != value.shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        message = f"{path}: {'; '.join(problems[:3])}{more}; it does not fit args.json"
        raise CheckpointFormatError(message)
