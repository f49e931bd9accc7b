"""ChemBERTa and its relatives: a transformer over SMILES, whose mean state describes a molecule.

Read from a local folder, or from the Hub where the user says so by name. Weights are safetensors
only, as a pickle can run anything; no code of the folder is run.

Shapes: B molecules, T tokens, D width, N any molecules.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_tide.errors import MoleculeEncoderFormatError
from napari_tide.hub_folder import fetch_folder

HUB_PREFIX = "hub:"
BATCH_MOLECULES = 64
_HUB_FILES = ("*.json", "*.safetensors", "*.txt")
_WEIGHTS = "*.safetensors"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_ETHANOL = "CCO"
_UNUSED = ("pooler.", "cls.", "lm_head.", "classifier.")  # heads, which a mean of states has not
# families whose positions count from behind the padding token
_OFFSET_FAMILIES = ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl")


@dataclass(frozen=True, slots=True, eq=False)
class MoleculeEncoder:
    """A transformer over SMILES, ready for use.

    Parameters
    ----------
    source
        The folder's name, or ``hub:organisation/name``.
    weights_sha256
        Of the weights' files, in order of their names.
    max_tokens
        Longer SMILES are cut.
    """

    tokenizer: Any  # transformers gives its classes no types
    network: Any
    source: str
    weights_sha256: str
    max_tokens: int

    @property
    def width(self) -> int:
        """How many numbers describe a molecule."""
        return int(self.network.config.hidden_size)

    def embed(
        self, smiles: Sequence[str], *, batch_molecules: int = BATCH_MOLECULES
    ) -> npt.NDArray[np.float32]:
        """Give the mean of the last layer's states over a molecule's tokens, N x D.

        Molecules of like length share a batch. Warns, once, how many were longer than the encoder
        can read and were cut.
        """
        if not smiles:
            return np.empty((0, self.width), dtype=np.float32)
        lengths = [len(tokens) for tokens in self._tokens(smiles)["input_ids"]]
        n_cut = sum(length > self.max_tokens for length in lengths)
        if n_cut:
            message = (
                f"{n_cut} of {len(smiles)} SMILES are longer than the {self.max_tokens} tokens "
                f"{self.source} can read and were cut"
            )
            warnings.warn(message, stacklevel=2)
        order = np.argsort(lengths, kind="stable")
        means_ND = np.empty((len(smiles), self.width), dtype=np.float32)
        for start in range(0, len(order), batch_molecules):
            rows = order[start : start + batch_molecules]
            means_ND[rows] = self._mean_states([smiles[row] for row in rows])
        return means_ND

    def _tokens(self, smiles: Sequence[str]) -> Mapping[str, list[list[int]]]:
        found: Mapping[str, list[list[int]]] = self.tokenizer(
            list(smiles), truncation=False, verbose=False
        )
        return found

    def _mean_states(self, smiles: Sequence[str]) -> npt.NDArray[np.float32]:
        import torch

        batch = self.tokenizer(
            list(smiles),
            truncation=True,
            max_length=self.max_tokens,
            padding=True,
            return_tensors="pt",
        )
        mask_BT = batch["attention_mask"]
        with torch.inference_mode():
            states_BTD = self.network(
                input_ids=batch["input_ids"], attention_mask=mask_BT
            ).last_hidden_state
        weights_BT1 = mask_BT[:, :, None].to(states_BTD.dtype)
        means_BD = (states_BTD * weights_BT1).sum(dim=1) / weights_BT1.sum(dim=1)
        array: npt.NDArray[np.float32] = means_BD.float().numpy()
        return array


def open_molecule_encoder(source: str | Path) -> MoleculeEncoder:
    """Open a transformer over SMILES.

    Parameters
    ----------
    source
        A local folder, or ``hub:organisation/name`` to download it; nothing else is downloaded.

    Raises
    ------
    MoleculeEncoderFormatError
        The folder holds no such transformer, or only pickled weights.
    HubFetchError
        The Hub has it not, or cannot be reached.
    """
    text = str(source)
    is_hub = text.startswith(HUB_PREFIX)
    folder = (
        fetch_folder(text.removeprefix(HUB_PREFIX), patterns=_HUB_FILES) if is_hub else Path(source)
    )
    weights = _weights_in(folder)
    with _quiet():
        tokenizer = _open_tokenizer(folder)
        network = _open_network(folder)
    return MoleculeEncoder(
        tokenizer=tokenizer,
        network=network,
        source=text if is_hub else folder.resolve().name,
        weights_sha256=_sha256(weights),
        max_tokens=_max_tokens(tokenizer, network, folder),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the progress bar and report of transformers; what they say is checked here."""
    from transformers.utils import logging

    verbosity, has_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if has_bar:
            logging.enable_progress_bar()


def _weights_in(folder: Path) -> list[Path]:
    if not (folder / "config.json").is_file():
        message = (
            f"{folder} is no folder of a transformer over SMILES: it has no config.json; give one "
            f"with config.json, model.safetensors and a tokenizer, or {HUB_PREFIX}organisation/name"
        )
        raise MoleculeEncoderFormatError(message)
    weights = sorted(folder.glob(_WEIGHTS))
    if weights:
        return weights
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    held = f"only pickled weights ({pickles[0]}), which are never opened" if pickles else "none"
    message = (
        f"{folder} needs weights as model.safetensors and has {held}; save them with "
        "save_pretrained of transformers"
    )
    raise MoleculeEncoderFormatError(message)


def _open_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers gives its classes no types
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        raise _unreadable(folder, "tokenizer", error) from error
    if tokenizer.pad_token_id is None:
        message = f"{folder}: the tokenizer has no padding token; set one and save it again"
        raise MoleculeEncoderFormatError(message)
    # where the tokenizer's files are missing, transformers makes one that knows nothing
    if set(tokenizer(_ETHANOL)["input_ids"]) <= set(tokenizer.all_special_ids):
        message = f"{folder}: the tokenizer does not know SMILES; give the one of the transformer"
        raise MoleculeEncoderFormatError(message)
    return tokenizer


def _open_network(folder: Path) -> Any:  # noqa: ANN401 - transformers gives its classes no types
    from safetensors import SafetensorError
    from transformers import AutoModel

    try:
        network, found = AutoModel.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise _unreadable(folder, "transformer", error) from error
    missing = sorted(name for name in found["missing_keys"] if not name.startswith(_UNUSED))
    if missing:  # transformers would fill them with random numbers
        message = (
            f"{folder}: the weights lack {len(missing)} tensors of the transformer, the first is "
            f"{missing[0]}; download it again"
        )
        raise MoleculeEncoderFormatError(message)
    return network.float().eval()


def _unreadable(folder: Path, what: str, error: Exception) -> MoleculeEncoderFormatError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    message = f"{folder} holds no {what} that transformers can read ({reason}); download it again"
    return MoleculeEncoderFormatError(message)


def _max_tokens(tokenizer: Any, network: Any, folder: Path) -> int:  # noqa: ANN401
    config = network.config
    if len(tokenizer) > config.vocab_size:
        message = (
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, the transformer "
            f"{config.vocab_size}; they do not belong together"
        )
        raise MoleculeEncoderFormatError(message)
    positions = getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length
    if config.model_type in _OFFSET_FAMILIES:
        positions -= (config.pad_token_id or 0) + 1
    return int(min(positions, tokenizer.model_max_length))


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
