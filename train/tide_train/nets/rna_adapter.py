"""The adapter from expression signatures to image profiles, and the folder it is delivered in.

``config.json`` (genes, layers, width, the student whose profiles it leads to) and
``adapter.safetensors`` (``layers.0.weight``, ``layers.0.bias`` and so on, ``mean`` and ``scale`` of
the signatures): what ``tide hits --signature`` reads.

Shapes: B signatures, G genes, D width of the profiles, P axes the adapter trains towards.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from napari_tide.discovery.signature_query import AdapterConfig
from tide_train.signature_folder import write_signature_folder


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
    config = AdapterConfig(
        genes=tuple(genes),
        n_layers=len(adapter.layers),
        width=back_PD.shape[1],
        student=student,
    )
    write_signature_folder(folder, config, tensors=_tensors(adapter, back_PD), card=card)


def _tensors(adapter: RnaAdapter, back_PD: torch.Tensor) -> dict[str, torch.Tensor]:
    found = {name: value.detach().cpu().double() for name, value in adapter.state_dict().items()}
    last = f"layers.{len(adapter.layers) - 1}"
    found[f"{last}.weight"] = back_PD.double().T @ found[f"{last}.weight"]
    found[f"{last}.bias"] = found[f"{last}.bias"] @ back_PD.double()
    return found
