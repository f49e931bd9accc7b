"""The adapter from expression signatures to image profiles, and the folder it is delivered in.

``config.json`` (genes, layers, width, the student whose profiles it leads to) and
``adapter.safetensors`` (``layers.0.weight``, ``layers.0.bias`` and so on, ``mean`` and ``scale`` of
the signatures): what ``tide hits --signature`` reads.

Shapes: B signatures, G genes, D width of the profiles, P axes the adapter trains towards.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from napari_tide.errors import OutputWriteError
from napari_tide.readable_file import as_readable_as_usual

FORMAT_VERSION = 1
CONFIG, WEIGHTS, CARD = "config.json", "adapter.safetensors", "README.md"


class RnaAdapter(nn.Module):
    """A plain network with GELU between its layers.

    Parameters
    ----------
    widths
        Genes, hidden layers, and the profiles' width.
    dropout
        Share of hidden units that a training step leaves out.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, widths: Sequence[int], *, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(first, second) for first, second in itertools.pairwise(widths)
        )
        self.dropout = dropout
        self.register_buffer("mean", torch.zeros(widths[0]))
        self.register_buffer("scale", torch.ones(widths[0]))

    def standardise_by(self, rows_SG: torch.Tensor) -> None:
        """Take mean and spread from signatures; a constant gene is scaled by one."""
        spread_G = rows_SG.std(dim=0, correction=0)
        self.mean.copy_(rows_SG.mean(dim=0))
        self.scale.copy_(torch.where(spread_G > 1e-6, spread_G, torch.ones_like(spread_G)))

    def forward(self, rows_BG: torch.Tensor) -> torch.Tensor:
        """Give a place among image profiles, B x P."""
        hidden = (rows_BG - self.mean) / self.scale
        for number, layer in enumerate(self.layers):
            if number:
                hidden = functional.dropout(functional.gelu(hidden), self.dropout, self.training)
            hidden = layer(hidden)
        return hidden


def write_adapter(
    adapter: RnaAdapter,
    folder: Path,
    *,
    genes: Sequence[str],
    student: str,
    back_PD: torch.Tensor,
    card: str,
) -> None:
    """Write an adapter's folder, whole or not at all; one that is there is replaced.

    Parameters
    ----------
    adapter
        A trained network.
    folder
        Where to.
    genes
        Symbols in the order of its input.
    student
        The id of the student whose profiles it leads to; empty for profiles of other tools.
    back_PD
        Leads from the axes it was trained towards to those of the profiles; becomes part of its
        last layer.
    card
        The README.

    Raises
    ------
    OutputWriteError
        The folder cannot be written.
    """
    partial = folder.with_name(folder.name + ".partial")
    config = {
        "format_version": FORMAT_VERSION,
        "kind": "mlp",
        "genes": list(genes),
        "n_layers": len(adapter.layers),
        "width": back_PD.shape[1],
        "student": student,
    }
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_file(_tensors(adapter, back_PD), partial / WEIGHTS, metadata={"format": "pt"})
        as_readable_as_usual(partial / WEIGHTS)
        (partial / CONFIG).write_text(json.dumps(config, indent=2), encoding="utf-8")
        (partial / CARD).write_text(card, encoding="utf-8")
        _replace(partial, folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        message = f"cannot write {folder}: {error.strerror or error}; make room there and go on"
        raise OutputWriteError(message) from error


def _tensors(adapter: RnaAdapter, back_PD: torch.Tensor) -> dict[str, torch.Tensor]:
    found = {name: value.detach().cpu().double() for name, value in adapter.state_dict().items()}
    last = f"layers.{len(adapter.layers) - 1}"
    found[f"{last}.weight"] = back_PD.double().T @ found[f"{last}.weight"]
    found[f"{last}.bias"] = found[f"{last}.bias"] @ back_PD.double()
    return {name: value.float().contiguous() for name, value in found.items()}


def _replace(partial: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    os.replace(partial, folder)  # noqa: PTH105 - the same call on every system
    shutil.rmtree(old, ignore_errors=True)
