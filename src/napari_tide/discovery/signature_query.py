"""From an expression signature to where it would lie among image profiles.

A small network from signatures over named genes lies in a folder of two files, ``config.json`` and
``adapter.safetensors``. It leads either to one student's profiles (an adapter, in a bundle's folder
under ``rna_adapter``) or to the space of the student's codebook (the RNA side of the student's
teacher, under ``rna_teacher``); the adapter comes first where both are there.

Shapes: S signatures, G genes, D width of the profiles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from napari_tide.errors import BundleFormatError, ExpressionValueError, StudentValueError
from napari_tide.transcriptomes.expression_file import open_expression
from napari_tide.transcriptomes.signature_table import read_signature_table

ADAPTER, TEACHER = "rna_adapter", "rna_teacher"
CONFIG, WEIGHTS = "config.json", "adapter.safetensors"
MOST_MISSING = 0.2

Values = npt.NDArray[np.floating]
Space = Literal["profiles", "codebook"]


class SignatureEncoder(Protocol):
    """Anything that gives signatures a place among what a student makes of images."""

    @property
    def student(self) -> str:
        """The id of the student it belongs to; empty where it does not say."""

    @property
    def space(self) -> Space:
        """Where it leads: to the student's profiles, or among the codebook's prototypes."""

    @property
    def tau(self) -> float | None:
        """The temperature of its probabilities over the codebook's drugs, where it has some."""

    def embed(self, values_SG: Values, genes: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed signatures over genes named by symbol, S x D."""


class AdapterConfig(BaseModel):
    """What ``config.json`` says: layers of a plain network, and where they lead."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    kind: Literal["mlp"] = "mlp"
    genes: tuple[str, ...] = Field(min_length=1)
    n_layers: int = Field(ge=1, le=16)
    width: int = Field(ge=1)
    student: str = ""
    activation: Literal["gelu", "relu"] = "gelu"
    space: Space = "profiles"
    tau: float | None = Field(default=None, gt=0)


@dataclass(frozen=True, slots=True, eq=False)
class SignatureNetwork:
    """A network from signatures to image profiles, or to a codebook's space.

    Tensors ``layers.0.weight``, ``layers.0.bias`` and so on; ``mean`` and ``scale``, where given,
    standardise the signatures first.
    """

    config: AdapterConfig
    tensors: dict[str, torch.Tensor]

    @property
    def student(self) -> str:
        """The id of the student it belongs to."""
        return self.config.student

    @property
    def space(self) -> Space:
        """Where it leads."""
        return self.config.space

    @property
    def tau(self) -> float | None:
        """The temperature of its probabilities over drugs, where it has some."""
        return self.config.tau

    def embed(self, values_SG: Values, genes: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed signatures; genes are found by symbol, and a few may be missing.

        A missing gene counts as unchanged: zero, or the training mean.

        Raises
        ------
        ExpressionValueError
            More than a fifth of its genes are missing.
        """
        position = {gene.upper(): i for i, gene in enumerate(genes)}
        wanted = [position.get(gene.upper(), -1) for gene in self.config.genes]
        n_missing = wanted.count(-1)
        if n_missing > MOST_MISSING * len(wanted):
            pairs = zip(self.config.genes, wanted, strict=True)
            some = ", ".join([gene for gene, place in pairs if place < 0][:3])
            message = (
                f"{n_missing} of the adapter's {len(wanted)} genes are not in the signature "
                f"({some}, ...); give one over the L1000 landmarks, with gene symbols"
            )
            raise ExpressionValueError(message)
        mean = self.tensors.get("mean", torch.zeros(len(wanted))).numpy()
        taken = np.asarray(values_SG, np.float32)[:, np.maximum(wanted, 0)]
        is_known = np.isfinite(taken) & (np.array(wanted) >= 0)
        rows = torch.from_numpy(np.where(is_known, taken, mean).astype(np.float32))
        rows = (rows - torch.from_numpy(mean)) / self.tensors.get("scale", torch.ones(1))
        functional = torch.nn.functional
        between = functional.relu if self.config.activation == "relu" else functional.gelu
        with torch.inference_mode():
            for layer in range(self.config.n_layers):
                rows = between(rows) if layer else rows
                weight = self.tensors[f"layers.{layer}.weight"]
                rows = functional.linear(rows, weight, self.tensors[f"layers.{layer}.bias"])
        return rows.numpy()


def load_signature_encoder(folder: Path) -> SignatureEncoder:
    """Load what lies in a bundle's folder for signatures, or in a folder of its own.

    Raises
    ------
    StudentValueError
        There is none.
    BundleFormatError
        It is damaged.
    """
    inside = (folder / name for name in (ADAPTER, TEACHER) if (folder / name).is_dir())
    home = next(inside, folder)
    if not (home / WEIGHTS).is_file():
        message = (
            f"{folder} has no adapter for expression signatures ({ADAPTER}/{WEIGHTS}) and no "
            f"teacher's RNA side ({TEACHER}/{WEIGHTS}), so this student cannot be asked by "
            f"signature; train one with tide train semi_clipped --student {folder}, or ask by "
            "compound, gene or SMILES"
        )
        raise StudentValueError(message)
    config = _read_config(home / CONFIG)
    tensors = _read_tensors(home / WEIGHTS)
    _check_layers(config, tensors, home / WEIGHTS)
    return SignatureNetwork(config, tensors)


def read_signature(path: Path, *, sample: str = "") -> tuple[Values, list[str]]:
    """Read one signature, 1 x G, with its gene symbols, from GCT, GCTX or a table.

    Parameters
    ----------
    path
        The file.
    sample
        Which of its signatures; not needed where there is one.

    Raises
    ------
    ExpressionValueError
        The file holds several signatures and none is chosen, or not the chosen one.
    """
    if any(ending in path.name.lower() for ending in (".gct", ".h5")):
        file = open_expression(path)
        name = _chosen(path, list(map(str, file.samples.index)), sample)
        table = file.read(samples=[name])
        row = 0
    else:
        table = read_signature_table(path)
        names = list(map(str, table.samples.index))
        row = names.index(_chosen(path, names, sample))
    return table.values[row : row + 1], list(map(str, table.genes["symbol"]))


def _chosen(path: Path, names: Sequence[str], sample: str) -> str:
    if not sample and len(names) == 1:
        return names[0]
    if sample not in names:
        said = f"has no signature {sample!r}" if sample else f"holds {len(names)} signatures"
        message = f"{path} {said}; choose one with --sample, such as {', '.join(names[:5])}"
        raise ExpressionValueError(message)
    return sample


def _read_config(path: Path) -> AdapterConfig:
    try:
        return AdapterConfig.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        message = f"{path} does not describe an adapter ({first}); export it again"
        raise BundleFormatError(message) from error


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        message = f"{path} is not a safetensors file ({error}); export the adapter again"
        raise BundleFormatError(message) from error


def _check_layers(config: AdapterConfig, tensors: dict[str, torch.Tensor], path: Path) -> None:
    n_in = len(config.genes)
    for name in ("mean", "scale"):
        if name in tensors and tuple(tensors[name].shape) != (n_in,):
            message = f"{path}: {name} is not over {n_in} genes; export the adapter again"
            raise BundleFormatError(message)
    for layer in range(config.n_layers):
        weight, bias = (tensors.get(f"layers.{layer}.{part}") for part in ("weight", "bias"))
        is_last = layer == config.n_layers - 1
        fits = (
            weight is not None
            and bias is not None
            and weight.ndim == 2
            and weight.shape[1] == n_in
            and tuple(bias.shape) == (weight.shape[0],)
            and (not is_last or weight.shape[0] == config.width)
        )
        if not fits:
            message = f"{path}: layer {layer} does not fit its {CONFIG}; export the adapter again"
            raise BundleFormatError(message)
        assert weight is not None
        n_in = weight.shape[0]
